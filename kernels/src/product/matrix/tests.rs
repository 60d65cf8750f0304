//! The choice of packing and activation mode at run time.

use super::*;
use crate::packing::{PackScales, Tq1_0};
use crate::reference;
use crate::reference::ternary::{WeightScales, product_blocks, product_int8, quantize_q8k};

const ROWS: usize = 11;
const COLS: usize = 512;
const TOKENS: usize = 3;

fn codes() -> Vec<u8> {
    (0..ROWS * COLS).map(|i| (i * i / 7 % 3) as u8).collect()
}

fn x() -> Vec<f32> {
    (0..TOKENS * COLS).map(|i| ((i * 37 % 101) as f32 - 50.0) / 16.0).collect()
}

fn matmul(matrix: &Matrix) -> Vec<f32> {
    let mut y = vec![f32::NAN; TOKENS * matrix.rows()];
    let cpu = Machine::new(crate::CpuOptions::default()).unwrap();
    cpu.matmul(&ActivationRows::new(COLS, x()), matrix, &mut y);
    y
}

#[test]
fn a_mode_changes_the_arithmetic_of_a_ternary_matrix() {
    let scales: Vec<f32> = (1..=ROWS * 2).map(|i| i as f32 / 64.0).collect();
    let packed = Packed::<Tq2_0>::pack(ROWS, COLS, &codes(), PackScales::Blocks(&scales)).unwrap();
    let matrix = Matrix::new(PackingKind::Tq2_0, ROWS, COLS, packed.bytes().clone()).unwrap();
    let matrix = matrix.with_multiplier(WeightScale::new(0.5).unwrap()).unwrap();
    assert_eq!(matrix.activation_mode(), ActivationMode::Int8PerToken);
    let scales = WeightScales::Blocks { columns: 256, scales: &scales };
    assert_eq!(matmul(&matrix), product_int8(&codes(), scales, 0.5, &x(), COLS));
    let q8k = matrix.clone().with_activation_mode(ActivationMode::Q8K).unwrap();
    assert_eq!(matmul(&q8k), product_blocks(&codes(), scales, 0.5, &x(), COLS, quantize_q8k));
    let float = matrix.with_activation_mode(ActivationMode::F32).unwrap();
    let mut weights = vec![0.0; ROWS * COLS];
    for (row, out) in weights.chunks_exact_mut(COLS).enumerate() {
        packed.decode_row(row, out);
    }
    assert_eq!(matmul(&float), reference::dense::product(&weights, 0.5, &x(), COLS));
}

/// A padded I2_S matrix multiplies float activations too, whose rows are not padded.
#[test]
fn float_activations_meet_padded_rows() {
    let (rows, cols) = (5, 200);
    let codes = &codes()[..rows * cols];
    let matrix = Matrix::from(Packed::<I2S>::pack(rows, cols, codes, PackScales::One(0.25)).unwrap());
    let matrix = matrix.with_activation_mode(ActivationMode::F32).unwrap();
    let x = &x()[..2 * cols];
    let mut y = vec![f32::NAN; 2 * rows];
    let cpu = Machine::new(crate::CpuOptions::default()).unwrap();
    cpu.matmul(&ActivationRows::new(cols, x.to_vec()), &matrix, &mut y);
    let weights: Vec<f32> = codes.iter().map(|&code| 0.25 * (f32::from(code) - 1.0)).collect();
    assert_eq!(y, reference::dense::product(&weights, 1.0, x, cols));
}

/// A quantized dense matrix starts with 16-bit activations; with f32 ones it is as its decoded rows are.
#[test]
fn a_mode_changes_the_arithmetic_of_a_quantized_matrix() {
    let cpu = Machine::new(crate::CpuOptions::default()).unwrap();
    let values: Vec<f32> = (0..ROWS * COLS).map(|i| ((i * 53 % 211) as f32 - 105.0) / 64.0).collect();
    for kind in [PackingKind::Q8_0, PackingKind::Q4_0, PackingKind::Q6K] {
        let matrix = Matrix::from_f32(&cpu, kind, ROWS, COLS, &values).unwrap();
        let matrix = matrix.with_multiplier(WeightScale::new(0.5).unwrap()).unwrap();
        assert_eq!(matrix.activation_mode(), ActivationMode::Int16);
        let row_bytes = matrix.bytes().len() / ROWS;
        let expected = reference::int16::product(kind, matrix.bytes(), row_bytes, 0.5, &x(), COLS);
        assert_eq!(matmul(&matrix), expected, "{}", kind.name());
        let float = matrix.with_activation_mode(ActivationMode::F32).unwrap();
        let mut weights = vec![0.0; ROWS * COLS];
        for (row, out) in weights.chunks_exact_mut(COLS).enumerate() {
            float.decode_row(row, out);
            out.iter_mut().for_each(|weight| *weight /= 0.5);
        }
        assert_eq!(matmul(&float), reference::dense::product(&weights, 0.5, &x(), COLS), "{}", kind.name());
        let error = float.with_activation_mode(ActivationMode::Int8PerToken).unwrap_err();
        assert!(matches!(error, PackingError::ActivationMode { .. }), "{error}");
    }
}

#[test]
fn impossible_modes_are_refused() {
    let dense = Matrix::new(PackingKind::F32, 2, 3, Bytes::from(vec![0; 24])).unwrap();
    assert_eq!((dense.activation_mode(), dense.is_ternary(), dense.scale()), (ActivationMode::F32, false, None));
    let error = dense.with_activation_mode(ActivationMode::Int8PerToken).unwrap_err();
    let expected = PackingError::ActivationMode { packing: "f32", cols: 3, mode: "int8".to_owned() };
    assert_eq!(error, expected);
    let dense = Matrix::new(PackingKind::F16, 2, 3, Bytes::from(vec![0; 12])).unwrap();
    let error = dense.with_activation_mode(ActivationMode::Int16).unwrap_err();
    assert_eq!(error, PackingError::ActivationMode { packing: "f16", cols: 3, mode: "int16".to_owned() });
    let narrow = Matrix::from(Packed::<I2S>::pack(2, 384, &codes()[..768], PackScales::One(0.5)).unwrap());
    let error = narrow.with_activation_mode(ActivationMode::Q8K).unwrap_err();
    assert!(matches!(error, PackingError::ActivationMode { packing: "i2_s", cols: 384, .. }), "{error}");
}

#[test]
fn a_matrix_describes_itself() {
    let packed = Packed::<Tq1_0>::pack(ROWS, COLS, &codes(), PackScales::One(0.5)).unwrap();
    let bytes = packed.bytes().clone();
    let matrix = Matrix::from(packed).with_multiplier(WeightScale::new(3.0).unwrap()).unwrap();
    assert_eq!((matrix.rows(), matrix.cols(), matrix.kind()), (ROWS, COLS, PackingKind::Tq1_0));
    assert_eq!((matrix.kind().name(), matrix.bytes(), matrix.scale()), ("tq1_0", &bytes, Some(1.5)));
    let zeros = codes().iter().filter(|&&code| code == 1).count();
    assert_eq!(matrix.share_of_zeros(), zeros as f64 / (ROWS * COLS) as f64);
    let mut row = vec![0.0; COLS];
    matrix.decode_row(7, &mut row);
    let expected: Vec<f32> = codes()[7 * COLS..8 * COLS].iter().map(|&code| 1.5 * (f32::from(code) - 1.0)).collect();
    assert_eq!(row, expected);
    let dense: Vec<u8> = [0.0_f32, 1.0, -0.0, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let dense = Matrix::new(PackingKind::F32, 3, 2, Bytes::from(dense)).unwrap();
    assert_eq!(dense.share_of_zeros(), 2.0 / 6.0);
}

/// Few tokens are multiplied with the copy, many with the matrix, and float activations have none.
#[test]
fn a_copy_in_triples_changes_no_bit() {
    let (rows, cols) = (70, 512);
    let codes: Vec<u8> = (0..rows * cols).map(|i| (i * i / 5 % 3) as u8).collect();
    let matrix = Matrix::from(Packed::<I2S>::pack(rows, cols, &codes, PackScales::One(0.5)).unwrap());
    for isa in crate::Isa::available() {
        let cpu = Machine::new(crate::CpuOptions { isa: Some(isa), ..crate::CpuOptions::default() }).unwrap();
        let copied = matrix.clone().with_triples(&cpu);
        assert_eq!(copied.has_triples(), isa.reads_triples(), "{isa}");
        let bytes = if isa.reads_triples() { 2 * 2 * 64 * 54 } else { matrix.bytes().len() };
        assert_eq!(copied.bytes_read(), bytes, "{isa}");
        for tokens in 1..9 {
            let x: Vec<f32> = (0..tokens * cols).map(|i| ((i * 41 + tokens) % 89) as f32 / 8.0 - 5.0).collect();
            let x = ActivationRows::new(cols, x);
            assert_eq!(cpu.products(&x, &copied), cpu.products(&x, &matrix), "{isa}, {tokens} tokens");
        }
        let float = copied.clone().with_activation_mode(ActivationMode::F32).unwrap();
        assert!(!float.has_triples() && !float.with_triples(&cpu).has_triples(), "{isa}");
        let portable = Machine::new(crate::CpuOptions { isa: Some(crate::Isa::Portable), threads: None }).unwrap();
        assert!(!copied.with_triples(&portable).has_triples(), "{isa}");
    }
}
