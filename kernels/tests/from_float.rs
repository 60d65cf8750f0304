//! Rounding f32 values to dense packings: the bytes that other programs write, on every instruction set and number of
//! threads, and what is refused.
//!
//! `tests/fixtures/quantized.safetensors` is written by `tools/golden/quantized.py`.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use half::{bf16, f16};
use safetensors::SafeTensors;
use trine_kernels::packing::{BlockFault, WeightScale};
use trine_kernels::{CpuOptions, Isa, Machine, Matrix, PackingError, PackingKind};

fn cpus() -> Vec<Machine> {
    let cpu = |isa, threads| Machine::new(CpuOptions { isa: Some(isa), threads: NonZeroUsize::new(threads) }).unwrap();
    Isa::available().into_iter().flat_map(|isa| [cpu(isa, 1), cpu(isa, 3)]).collect()
}

/// The values of the fixture with their dimensions, and the bytes of a type.
fn fixture(name: &str) -> (usize, usize, Vec<f32>, Vec<u8>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/quantized.safetensors");
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let (values, bytes) = (tensors.tensor("values").unwrap(), tensors.tensor(&format!("{name}.bytes")).unwrap());
    let floats = values.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    (values.shape()[0], values.shape()[1], floats, bytes.data().to_vec())
}

/// The values of the fixture become the bytes of type `name`, block by block.
fn matches(name: &str, kind: PackingKind, block_bytes: usize) {
    let (rows, cols, values, expected) = fixture(name);
    for cpu in cpus() {
        let matrix = Matrix::from_f32(&cpu, kind, rows, cols, &values).unwrap();
        assert_eq!(matrix.bytes().len(), expected.len());
        let blocks = matrix.bytes().chunks_exact(block_bytes).zip(expected.chunks_exact(block_bytes));
        for (index, (found, expected)) in blocks.enumerate() {
            assert_eq!(found, expected, "{name}, block {index}, on {}", cpu.isa());
        }
    }
}

#[test]
fn q8_0_is_what_gguf_writes() {
    matches("Q8_0", PackingKind::Q8_0, 34);
}

#[test]
fn q4_0_is_what_gguf_writes() {
    matches("Q4_0", PackingKind::Q4_0, 18);
}

#[test]
fn q6_k_is_what_llama_cpp_writes() {
    matches("Q6_K", PackingKind::Q6K, 210);
}

#[test]
fn floats_are_rounded_to_nearest_with_halves_to_even() {
    let (rows, cols, mut values, _) = fixture("Q8_0");
    values[..4].copy_from_slice(&[1.0 + f32::EPSILON * 4096.0, 1.0 + 3.0 * f32::EPSILON * 4096.0, -0.0, 6e-8]);
    values[4..6].copy_from_slice(&[1.0 + f32::EPSILON * 32768.0, 1.0 + 3.0 * f32::EPSILON * 32768.0]);
    let bytes = |kind| {
        let cpu = Machine::new(CpuOptions::default()).unwrap();
        Matrix::from_f32(&cpu, kind, rows, cols, &values).unwrap().bytes().clone()
    };
    let halves: Vec<u8> = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
    assert_eq!(bytes(PackingKind::F16), halves);
    let brains: Vec<u8> = values.iter().flat_map(|&value| bf16::from_f32(value).to_le_bytes()).collect();
    assert_eq!(bytes(PackingKind::BF16), brains);
    let singles: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(bytes(PackingKind::F32), singles);
}

/// Matrices in parallel, from another packing, are what their rows are from f32; and every row is reported.
#[test]
fn requantizing_is_decoding_and_rounding() {
    let (rows, cols) = (701, 256);
    let source: Vec<u8> = (0..rows * cols).flat_map(|i| f16::from_f32((i as f32).sin() * 0.05).to_le_bytes()).collect();
    let source = Matrix::new(PackingKind::F16, rows, cols, Bytes::from(source)).unwrap();
    let source = source.with_multiplier(WeightScale::new(3.0).unwrap()).unwrap();
    let mut values = vec![0.0; rows * cols];
    for (row, values) in values.chunks_exact_mut(cols).enumerate() {
        source.decode_row(row, values);
    }
    for kind in PackingKind::FROM_F32 {
        let one = Machine::new(CpuOptions { isa: Some(Isa::Portable), threads: NonZeroUsize::new(1) }).unwrap();
        let expected = Matrix::from_f32(&one, kind, rows, cols, &values).unwrap();
        for cpu in cpus() {
            let done = AtomicUsize::new(0);
            let found = source.requantize(&cpu, kind, |rows| _ = done.fetch_add(rows, Ordering::Relaxed)).unwrap();
            assert!(found.bytes() == expected.bytes(), "{} on {}", kind.name(), cpu.isa());
            assert_eq!((found.kind(), done.into_inner()), (kind, rows));
        }
    }
}

/// Zeros, and numbers whose scales half precision rounds to zero, are zeros.
#[test]
fn blocks_too_small_for_their_scales_are_zero() {
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    for kind in [PackingKind::Q8_0, PackingKind::Q4_0, PackingKind::Q6K] {
        for value in [0.0, -0.0, 1e-9, -1e-9, 1e-30, f32::from_bits(1)] {
            let matrix = Matrix::from_f32(&cpu, kind, 3, 512, &[value; 3 * 512]).unwrap();
            let mut row = vec![f32::NAN; 512];
            matrix.decode_row(2, &mut row);
            assert!(row.iter().all(|&found| found == 0.0), "{} of {value}", kind.name());
        }
    }
}

#[test]
fn values_that_a_packing_cannot_hold_are_refused() {
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    let with = |value: f32, at: usize| {
        let mut values = vec![0.25; 3 * 512];
        values[at] = value;
        values
    };
    for kind in PackingKind::FROM_F32 {
        let packing = kind.name();
        for value in [f32::INFINITY, f32::NEG_INFINITY] {
            let error = Matrix::from_f32(&cpu, kind, 3, 512, &with(value, 512 + 300)).unwrap_err();
            assert_eq!(error, PackingError::NotFinite { packing, row: 1, col: 300, found: value });
        }
        let error = Matrix::from_f32(&cpu, kind, 3, 512, &with(f32::NAN, 1030)).unwrap_err();
        assert!(matches!(error, PackingError::NotFinite { row: 2, col: 6, .. }), "{error}");
        let error = Matrix::from_f32(&cpu, kind, 3, 512, &[0.5; 512]).unwrap_err();
        assert_eq!(error, PackingError::Elements { packing, rows: 3, cols: 512, expected: 1536, found: 512 });
    }
    for (kind, blocks) in [(PackingKind::Q8_0, 16), (PackingKind::Q4_0, 16), (PackingKind::Q6K, 2)] {
        let error = Matrix::from_f32(&cpu, kind, 3, 512, &with(3e30, 512 + 300)).unwrap_err();
        let PackingError::Block { row: 1, block, fault: BlockFault::NotFinite { name: "scale", .. }, .. } = error
        else {
            panic!("{error}");
        };
        assert_eq!(block, 300 * blocks / 512);
        let error = Matrix::from_f32(&cpu, kind, 2, 48, &[0.5; 96]).unwrap_err();
        assert!(matches!(error, PackingError::Columns { cols: 48, .. }), "{error}");
    }
    for kind in [PackingKind::I2S, PackingKind::Tq1_0, PackingKind::Tq2_0, PackingKind::Q4_1] {
        let error = Matrix::from_f32(&cpu, kind, 1, 256, &[1.0; 256]).unwrap_err();
        assert_eq!(error, PackingError::NotFromFloat { packing: kind.name() });
    }
}
