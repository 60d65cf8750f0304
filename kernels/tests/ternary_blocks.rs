//! Ternary blocks that other programs wrote, and the values that those programs decode them to.
//!
//! `tests/fixtures/blocks.safetensors` is written by `tools/golden/blocks.py`: TQ1_0 and TQ2_0 with the `gguf` package,
//! I2_S with bitnet.cpp's quantizer.

use bytes::Bytes;
use safetensors::SafeTensors;
use trine_kernels::packing::{I2S, PackScales, Packed, Scales, Ternary, Tq1_0, Tq2_0, ternary_from_f32};
use trine_kernels::{Matrix, PackingKind};

fn fixture() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/blocks.safetensors");
    std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Bytes, rows, columns and values of one type.
fn tensor(file: &[u8], name: &str) -> (Bytes, usize, usize, Vec<f32>) {
    let tensors = SafeTensors::deserialize(file).unwrap();
    let values = tensors.tensor(&format!("{name}.values")).unwrap();
    let bytes = Bytes::copy_from_slice(tensors.tensor(&format!("{name}.bytes")).unwrap().data());
    let numbers = values.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    (bytes, values.shape()[0], values.shape()[1], numbers)
}

/// The bytes decode to the values, and packing the values' codes and scales gives the bytes.
fn matches<P: Ternary>(name: &str, kind: PackingKind) {
    let (bytes, rows, cols, values) = tensor(&fixture(), name);
    let packed = Packed::<P>::new(rows, cols, bytes.clone()).unwrap();
    let matrix = Matrix::new(kind, rows, cols, bytes.clone()).unwrap();
    let mut codes = Vec::new();
    for (row, expected) in values.chunks_exact(cols).enumerate() {
        let mut found = vec![f32::NAN; cols];
        packed.decode_row(row, &mut found);
        assert_eq!(found, expected, "{name}, row {row}");
        found.fill(f32::NAN);
        matrix.decode_row(row, &mut found);
        assert_eq!(found, expected, "{name}, row {row} of the matrix");
        codes.extend(expected.iter().map(|&value| 1 + u8::from(value > 0.0) - u8::from(value < 0.0)));
    }
    let scales = packed.scales();
    let scales = match packed.shared() {
        Scales::Tensor(scale) => PackScales::One(scale),
        Scales::Blocks => PackScales::Blocks(&scales),
    };
    let again = Packed::<P>::pack(rows, cols, &codes, scales).unwrap();
    assert_eq!(again.blocks(), packed.blocks(), "{name}");
    let zeros = values.iter().filter(|&&value| value == 0.0).count() as f64 / values.len() as f64;
    assert_eq!(matrix.share_of_zeros(), zeros, "{name}");
}

#[test]
fn tq1_0_is_what_gguf_writes() {
    matches::<Tq1_0>("TQ1_0", PackingKind::Tq1_0);
}

#[test]
fn tq2_0_is_what_gguf_writes() {
    matches::<Tq2_0>("TQ2_0", PackingKind::Tq2_0);
}

#[test]
fn i2_s_is_what_bitnet_cpp_writes() {
    matches::<I2S>("I2_S", PackingKind::I2S);
}

/// The float tensor that bitnet.cpp quantized is recognised, and becomes the same codes and scale.
#[test]
fn i2_s_from_floats_is_what_bitnet_cpp_writes() {
    let (bytes, rows, cols, values) = tensor(&fixture(), "I2_S");
    let ours = ternary_from_f32(rows, cols, &values).unwrap();
    let length = rows * cols / 4 + 4;
    assert_eq!(ours.bytes()[..length], bytes[..length]);
}
