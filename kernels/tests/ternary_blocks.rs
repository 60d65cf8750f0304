//! Ternary blocks that other programs wrote, and the values that those programs decode them to.
//!
//! `tests/fixtures/blocks.safetensors` is written by `tools/golden/blocks.py`: TQ1_0 and TQ2_0 with the `gguf` package,
//! I2_S with bitnet.cpp's quantizer. `layouts.safetensors` is written by `tools/golden/layouts.py`: the packings of
//! I2_S with bitnet.cpp's quantizer, IQ1_BN, IQ2_BN and IQ2_BN_R4 with ik_llama.cpp's.

use bytes::Bytes;
use safetensors::SafeTensors;
use trine_kernels::packing::{I2S, PackScales, Packed, Scales, Ternary, TernaryLayout, Tq1_0, Tq2_0, ternary_from_f32};
use trine_kernels::{Matrix, PackingKind};

fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn fixture() -> Vec<u8> {
    read("blocks.safetensors")
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

const LAYOUTS: [(&str, TernaryLayout); 5] = [
    ("I2_S_ARM", TernaryLayout::I2sArm),
    ("I2_S_INTERLEAVED4", TernaryLayout::I2sInterleaved4),
    ("IQ1_BN", TernaryLayout::Iq1Bn),
    ("IQ2_BN", TernaryLayout::Iq2Bn),
    ("IQ2_BN_R4", TernaryLayout::Iq2BnR4),
];

/// Bytes, rows and columns of a matrix in a layout, and its values.
fn in_layout(file: &[u8], layout: &str, matrix: &str) -> (Vec<u8>, usize, usize, Vec<f32>) {
    let tensors = SafeTensors::deserialize(file).unwrap();
    let values = tensors.tensor(&format!("{matrix}.values")).unwrap();
    let numbers = values.data().as_chunks::<2>().0.iter().map(|&bytes| half::f16::from_le_bytes(bytes).to_f32());
    let bytes = tensors.tensor(&format!("{layout}.{matrix}.bytes")).unwrap().data().to_vec();
    (bytes, values.shape()[0], values.shape()[1], numbers.collect())
}

#[test]
fn layouts_of_other_programs_are_repacked() {
    let file = read("layouts.safetensors");
    for (name, layout) in LAYOUTS {
        for matrix in ["blk.0.attn_k.weight", "blk.1.ffn_down.weight"] {
            let (bytes, rows, cols, values) = in_layout(&file, name, matrix);
            let repacked = Matrix::repack(layout, rows, cols, &bytes).unwrap();
            assert_eq!((repacked.kind(), repacked.rows(), repacked.cols()), (PackingKind::I2S, rows, cols), "{name}");
            let mut found = vec![f32::NAN; cols];
            for (row, expected) in values.chunks_exact(cols).enumerate() {
                repacked.decode_row(row, &mut found);
                assert_eq!(found, expected, "{name}, {matrix}, row {row}");
            }
        }
    }
}

/// The published packing of I2_S, written by the same function as the others, needs no repacking.
#[test]
fn the_x86_packing_is_run_as_it_is() {
    let (bytes, rows, cols, values) = in_layout(&read("layouts.safetensors"), "I2_S_X86", "blk.1.ffn_down.weight");
    let matrix = Matrix::new(PackingKind::I2S, rows, cols, bytes.into()).unwrap();
    let mut found = vec![f32::NAN; cols];
    for (row, expected) in values.chunks_exact(cols).enumerate() {
        matrix.decode_row(row, &mut found);
        assert_eq!(found, expected, "row {row}");
    }
}

#[test]
fn rows_that_differ_in_scale_run_as_tq2_0_or_are_refused() {
    let file = read("layouts.safetensors");
    let (mut bytes, rows, cols, values) = in_layout(&file, "IQ2_BN", "blk.1.ffn_down.weight");
    let row_bytes = bytes.len() / rows;
    bytes[3 * row_bytes..][..4].copy_from_slice(&0.5f32.to_le_bytes());
    let repacked = Matrix::repack(TernaryLayout::Iq2Bn, rows, cols, &bytes).unwrap();
    assert_eq!(repacked.kind(), PackingKind::Tq2_0);
    let mut found = vec![f32::NAN; cols];
    for (row, expected) in values.chunks_exact(cols).enumerate() {
        repacked.decode_row(row, &mut found);
        let expected: Vec<f32> = match row {
            3 => expected.iter().map(|&value| if value == 0.0 { 0.0 } else { 0.5f32.copysign(value) }).collect(),
            _ => expected.to_vec(),
        };
        assert_eq!(found, expected, "row {row}");
    }
    bytes[3 * row_bytes..][..4].copy_from_slice(&0.1f32.to_le_bytes());
    let refused = Matrix::repack(TernaryLayout::Iq2Bn, rows, cols, &bytes).unwrap_err().to_string();
    assert!(refused.contains("differ in scale") && refused.contains("0.1"), "{refused}");
}

/// ik_llama.cpp's rows of IQ2_BN with a scale of their own each, four rows interleaved as `repack_iq2_bn` has them.
#[test]
fn interleaved_rows_have_scales_of_their_own() {
    let file = read("layouts.safetensors");
    let (bytes, rows, cols, values) = in_layout(&file, "IQ2_BN", "blk.1.ffn_down.weight");
    let scale = |row: usize| (1 + row % 7) as f32 / 8.0;
    let codes: Vec<&[u8]> = bytes.chunks_exact(bytes.len() / rows).map(|row| &row[4..]).collect();
    let mut interleaved = Vec::new();
    for (group, four) in codes.chunks_exact(4).enumerate() {
        (0..4).for_each(|row| interleaved.extend(scale(4 * group + row).to_le_bytes()));
        for (block, column) in (0..cols / 64).flat_map(|block| (0..4).map(move |l| (block, l))) {
            for row in four {
                // Sixteen columns from `16 * column` on, of which this layout has four in a byte, four apart.
                let code = |n: usize| row[16 * block + n] >> (2 * column) & 3;
                interleaved.extend((0..4).map(|i| (0..4).fold(0, |byte, j| byte | code(i + 4 * j) << (2 * j))));
            }
        }
    }
    let repacked = Matrix::repack(TernaryLayout::Iq2BnR4, rows, cols, &interleaved).unwrap();
    assert_eq!(repacked.kind(), PackingKind::Tq2_0);
    let mut found = vec![f32::NAN; cols];
    for (row, values) in values.chunks_exact(cols).enumerate() {
        repacked.decode_row(row, &mut found);
        let expected: Vec<f32> = values.iter().map(|v| if *v == 0.0 { 0.0 } else { scale(row).copysign(*v) }).collect();
        assert_eq!(found, expected, "row {row}");
    }
}

#[test]
fn damaged_layouts_are_refused() {
    let file = read("layouts.safetensors");
    let refused = |layout: TernaryLayout, rows, cols, bytes: &[u8]| {
        Matrix::repack(layout, rows, cols, bytes).unwrap_err().to_string()
    };
    for (name, layout) in LAYOUTS {
        let (bytes, rows, cols, _) = in_layout(&file, name, "blk.1.ffn_down.weight");
        let row_bytes = (bytes.len() - bytes.len() % rows) / rows;
        let short = refused(layout, rows, cols, &bytes[1..]);
        assert!(short.contains(&format!("takes {} bytes", bytes.len())), "{short}");
        assert!(refused(layout, rows, cols - 32, &bytes).contains("multiple of 64"), "{name}");
        assert!(refused(layout, 0, cols, &bytes).contains("must be positive"), "{name}");
        let mut with = bytes.clone();
        if layout != TernaryLayout::Iq1Bn {
            with[row_bytes - 40] = 0xff;
            assert!(refused(layout, rows, cols, &with).contains("code 3"), "{name}");
        }
        let scale_at = if name.starts_with("I2_S") { rows * cols / 4 } else { 0 };
        let scale = if layout == TernaryLayout::Iq1Bn { vec![0, 0x7e] } else { f32::NAN.to_le_bytes().to_vec() };
        let mut with = bytes.clone();
        with[scale_at..][..scale.len()].copy_from_slice(&scale);
        assert!(refused(layout, rows, cols, &with).contains("NaN"), "{name}");
        with[scale_at..][..scale.len()].fill(0);
        assert!(refused(layout, rows, cols, &with).contains("the scale is 0"), "{name}");
    }
    let (bytes, ..) = in_layout(&file, "IQ2_BN_R4", "blk.1.ffn_down.weight");
    assert!(refused(TernaryLayout::Iq2BnR4, 6, 768, &bytes).contains("multiple of 4"));
}
