//! 16-bit products on every instruction set against plain loops, bit for bit, and against f32 within the stated bound.

use proptest::prelude::*;

use super::*;
use crate::machine::outputs::Output;
use crate::packing::{Packing, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
use crate::product::dense::tests::{cpus, matrix, numbers};
use crate::product::matrix::PackingKind;
use crate::reference::int16 as reference;

/// The product on every instruction set and number of threads, of all tokens together and of each alone.
fn matches<P: Int16Packing>(kind: PackingKind, matrix: &Packed<P>, x: &[f32]) {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let expected = reference::product(kind, matrix.blocks(), matrix.row_bytes(), matrix.multiplier(), x, cols);
    for cpu in cpus() {
        let what = format!("{} on {}: {rows} x {cols}", P::NAME, cpu.isa());
        let mut y = vec![f32::NAN; expected.len()];
        product(&cpu, &Int16Rows::quantize(&cpu, cols, x), matrix, Output::over(&mut y));
        assert_eq!(y, expected, "{what}, {} tokens", x.len() / cols);
        for (x, expected) in x.chunks_exact(cols).zip(expected.chunks_exact(rows)) {
            let mut y = vec![f32::NAN; rows];
            product(&cpu, &Int16Rows::quantize(&cpu, cols, x), matrix, Output::over(&mut y));
            assert_eq!(y, expected, "{what}, one token");
        }
    }
}

/// Sizes around blocks, steps and panels.
fn matches_at_sizes<P: Int16Packing>(kind: PackingKind, scales: &[usize]) {
    for (rows, cols, tokens) in
        [(1, 256, 1), (3, 512, 2), (5, 768, 5), (37, 1280, 3), (601, 256, 4), (19, 1024, 8), (7, 2816, 11)]
    {
        matches(kind, &matrix::<P>(rows, cols, scales), &numbers(tokens as u64, tokens * cols));
    }
    if P::BLOCK == 32 {
        for (rows, cols, tokens) in [(2, 32, 1), (3, 96, 2), (7, 320, 3), (9, 576, 5), (4, 992, 2), (9, 1312, 9)] {
            matches(kind, &matrix::<P>(rows, cols, scales), &numbers(tokens as u64, tokens * cols));
        }
    }
}

#[test]
fn q8_0_products() {
    matches_at_sizes::<Q8_0>(PackingKind::Q8_0, &[0]);
}

#[test]
fn q4_0_products() {
    matches_at_sizes::<Q4_0>(PackingKind::Q4_0, &[0]);
}

#[test]
fn q4_1_products() {
    matches_at_sizes::<Q4_1>(PackingKind::Q4_1, &[0, 2]);
}

#[test]
fn q5_0_products() {
    matches_at_sizes::<Q5_0>(PackingKind::Q5_0, &[0]);
}

#[test]
fn q5_1_products() {
    matches_at_sizes::<Q5_1>(PackingKind::Q5_1, &[0, 2]);
}

#[test]
fn q4_k_products() {
    matches_at_sizes::<Q4K>(PackingKind::Q4K, &[0, 2]);
}

#[test]
fn q5_k_products() {
    matches_at_sizes::<Q5K>(PackingKind::Q5K, &[0, 2]);
}

#[test]
fn q6_k_products() {
    matches_at_sizes::<Q6K>(PackingKind::Q6K, &[208]);
}

/// A matrix whose bytes are all `byte`, but for the half-precision numbers at `scales` of each block, which are 1.
fn filled<P: Packing>(rows: usize, cols: usize, byte: u8, scales: &[usize]) -> Packed<P> {
    let mut bytes = vec![byte; rows * cols / P::BLOCK * P::BLOCK_BYTES];
    for block in bytes.chunks_exact_mut(P::BLOCK_BYTES) {
        for &at in scales {
            block[at..at + 2].copy_from_slice(&[0x00, 0x3c]);
        }
    }
    Packed::new(rows, cols, bytes.into()).unwrap()
}

/// The largest codes of both sides, with all signs: nothing overflows or saturates.
#[test]
fn extreme_codes_are_exact() {
    let signs: [fn(usize) -> f32; 4] = [
        |_| 1.0,
        |_| -1.0,
        |i| if i % 2 == 0 { 1.0 } else { -1.0 },
        // Codes whose lower part is extreme: 127 and -127 next to the largest.
        |i| [32512.0, 32512.0 - 254.0, -127.0, 127.0][i % 4] / 32512.0,
    ];
    for sign in signs {
        let x: Vec<f32> = (0..2 * 512).map(sign).collect();
        for byte in [0x00, 0x7f, 0x80, 0x81, 0xff] {
            matches(PackingKind::Q8_0, &filled::<Q8_0>(3, 512, byte, &[0]), &x);
            matches(PackingKind::Q4_0, &filled::<Q4_0>(3, 512, byte, &[0]), &x);
            matches(PackingKind::Q4_1, &filled::<Q4_1>(3, 512, byte, &[0, 2]), &x);
            matches(PackingKind::Q5_0, &filled::<Q5_0>(3, 512, byte, &[0]), &x);
            matches(PackingKind::Q5_1, &filled::<Q5_1>(3, 512, byte, &[0, 2]), &x);
            matches(PackingKind::Q4K, &filled::<Q4K>(3, 512, byte, &[0, 2]), &x);
            matches(PackingKind::Q5K, &filled::<Q5K>(3, 512, byte, &[0, 2]), &x);
            matches(PackingKind::Q6K, &filled::<Q6K>(3, 512, byte, &[208]), &x);
        }
    }
}

#[test]
fn codes_split_into_two_signed_bytes() {
    for code in -32512..=32512_i16 {
        let (high, low) = split(code);
        assert_eq!(255 * i32::from(high) + i32::from(low), i32::from(code));
        assert!(high >= -127 && low >= -127, "{code}: {high}, {low}");
    }
}

/// Half a scale for each weight, and the roundings of some sums of f32.
fn within_bound<P: Int16Packing>(scales: &[usize]) {
    let (rows, cols) = (23, 1280);
    let matrix = matrix::<P>(rows, cols, scales);
    let mut x = numbers(5, cols);
    // Blocks of different magnitudes, one with an outlier.
    for (block, x) in x.chunks_mut(256).enumerate() {
        x.iter_mut().for_each(|x| *x *= 10.0_f32.powi(block as i32 - 2));
    }
    x[700] = 40.0;
    for cpu in cpus() {
        let mut y = vec![f32::NAN; rows];
        product(&cpu, &Int16Rows::quantize(&cpu, cols, &x), &matrix, Output::over(&mut y));
        for (row, found) in y.iter().enumerate() {
            let mut weights = vec![0.0; cols];
            matrix.decode_row(row, &mut weights);
            let (mut exact, mut bound) = (0.0, 0.0);
            for (weights, x) in weights.chunks(256).zip(x.chunks(256)) {
                let largest = x.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
                for (weight, x) in weights.iter().zip(x) {
                    let (weight, x) = (f64::from(*weight), f64::from(*x));
                    exact += weight * x;
                    bound += weight.abs() * (f64::from(largest) / 65024.0 + 4e-6 * x.abs());
                }
            }
            let difference = (f64::from(*found) - exact).abs();
            assert!(difference <= bound, "{} row {row}: {found} and {exact}, bound {bound}", P::NAME);
        }
    }
}

#[test]
fn products_deviate_within_the_bound() {
    within_bound::<Q8_0>(&[0]);
    within_bound::<Q4_0>(&[0]);
    within_bound::<Q4_1>(&[0, 2]);
    within_bound::<Q5_0>(&[0]);
    within_bound::<Q5_1>(&[0, 2]);
    within_bound::<Q4K>(&[0, 2]);
    within_bound::<Q5K>(&[0, 2]);
    within_bound::<Q6K>(&[208]);
}

#[test]
fn activations_that_are_no_numbers_reach_the_outputs() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = numbers(1, 2 * 512);
        x[512 + 300] = bad;
        for cpu in cpus() {
            let mut y = vec![0.0; 2 * 3];
            product(&cpu, &Int16Rows::quantize(&cpu, 512, &x), &matrix::<Q6K>(3, 512, &[208]), Output::over(&mut y));
            assert!(y[..3].iter().all(|y| y.is_finite()) && y[3..].iter().all(|y| y.is_nan()), "{bad}: {y:?}");
        }
    }
}

#[test]
fn no_tokens_is_no_work() {
    let cpu = &cpus()[0];
    product(cpu, &Int16Rows::quantize(cpu, 512, &[]), &matrix::<Q4_0>(3, 512, &[0]), Output::over(&mut []));
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn products_equal_plain_loops(rows in 1_usize..40, blocks in 1_usize..40, tokens in 1_usize..6, seed in 0_u64..99) {
        let (narrow, wide) = (32 * blocks, 256 * blocks.div_ceil(8));
        let x = numbers(seed, tokens * wide);
        matches(PackingKind::Q8_0, &matrix::<Q8_0>(rows, narrow, &[0]), &x[..tokens * narrow]);
        matches(PackingKind::Q4_0, &matrix::<Q4_0>(rows, narrow, &[0]), &x[..tokens * narrow]);
        matches(PackingKind::Q4_1, &matrix::<Q4_1>(rows, narrow, &[0, 2]), &x[..tokens * narrow]);
        matches(PackingKind::Q5_0, &matrix::<Q5_0>(rows, narrow, &[0]), &x[..tokens * narrow]);
        matches(PackingKind::Q5_1, &matrix::<Q5_1>(rows, narrow, &[0, 2]), &x[..tokens * narrow]);
        matches(PackingKind::Q4K, &matrix::<Q4K>(rows, wide, &[0, 2]), &x);
        matches(PackingKind::Q5K, &matrix::<Q5K>(rows, wide, &[0, 2]), &x);
        matches(PackingKind::Q6K, &matrix::<Q6K>(rows, wide, &[208]), &x);
    }
}
