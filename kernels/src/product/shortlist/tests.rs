//! Products of a shortlist against all products of the matrix.

use super::*;
use crate::activations::INT16_MAX;
use crate::machine::CpuOptions;
use crate::product::matrix::PackingKind;
use crate::simd::Isa;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::num::NonZeroUsize;

const KINDS: [PackingKind; 3] = [PackingKind::F32, PackingKind::F16, PackingKind::BF16];

fn cpu(threads: usize) -> Machine {
    Machine::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).unwrap()
}

/// Products by row, minus infinity for those that were left out.
fn spread(rows: usize, largest: &RowProducts) -> Vec<f32> {
    assert!(largest.rows.is_sorted_by(|a, b| a < b), "rows ascend");
    assert_eq!(largest.rows.len(), largest.values.len());
    let mut all = vec![f32::NEG_INFINITY; rows];
    largest.rows.iter().zip(&largest.values).for_each(|(&row, &value)| all[row as usize] = value);
    all
}

fn random(seed: u64, count: usize, size: f32) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // The sum of three is near to a normal distribution.
    (0..count).map(|_| (0..3).map(|_| random.random_range(-size..size)).sum()).collect()
}

/// Checks the products of `matrix` against [`Machine::matmul`], and returns how many rows were computed exactly.
fn check(cpu: &Machine, (matrix, shortlist): (&Matrix, &Shortlist), x: &[f32], count: usize) -> usize {
    let (rows, x) = (matrix.rows(), ActivationRows::new(matrix.cols(), x.to_vec()));
    let mut all = vec![0.0; x.rows() * rows];
    cpu.matmul(&x, matrix, &mut all);
    let largest = cpu.largest_products(&x, matrix, shortlist, count);
    assert_eq!(largest.len(), x.rows());
    let mut computed = 0;
    for (all, largest) in all.chunks_exact(rows).zip(&largest) {
        let largest = spread(rows, largest);
        let mut order: Vec<f32> = all.to_vec();
        order.sort_unstable_by(|a, b| b.total_cmp(a));
        let last = order[count.min(rows) - 1];
        for (row, (full, found)) in all.iter().zip(&largest).enumerate() {
            let left_out = *found == f32::NEG_INFINITY;
            assert!(!left_out || *full < last, "row {row}: {full} is among the {count} largest, down to {last}");
            assert!(left_out || full.to_bits() == found.to_bits(), "row {row}: {found}, expected {full}");
            computed += usize::from(!left_out);
        }
    }
    computed
}

#[test]
fn the_largest_products_are_exact_and_most_others_are_left_out() {
    let (rows, cols, tokens) = (2111, 352, 2);
    for (seed, kind) in (1..).zip(KINDS) {
        let cpu = cpu(seed as usize);
        let matrix = Matrix::from_f32(&cpu, kind, rows, cols, &random(seed, rows * cols, 0.3)).unwrap();
        let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
        let x = random(10 + seed, tokens * cols, 2.0);
        for count in [1, 7, 33, 34, 2111, 9999] {
            let computed = check(&cpu, (&matrix, &shortlist), &x, count);
            assert!(count > 7 || computed < tokens * rows / 10, "{} {count}: {computed}", kind.name());
            assert!(computed >= tokens * count.min(rows), "{} {count}: {computed}", kind.name());
        }
    }
}

#[test]
fn every_instruction_set_leaves_out_the_same() {
    let (rows, cols) = (1300, 288);
    let values = random(4, rows * cols, 0.1);
    let x = ActivationRows::new(cols, random(5, cols, 1.0));
    let products: Vec<(Vec<u32>, Vec<u32>)> = Isa::available()
        .into_iter()
        .map(|isa| {
            let cpu = Machine::new(CpuOptions { threads: NonZeroUsize::new(2), isa: Some(isa) }).unwrap();
            let matrix = Matrix::from_f32(&cpu, PackingKind::F16, rows, cols, &values).unwrap();
            let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
            let RowProducts { rows, values } = cpu.largest_products(&x, &matrix, &shortlist, 7).remove(0);
            (rows, values.into_iter().map(f32::to_bits).collect())
        })
        .collect();
    assert!(products.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Rows that differ from the best by less than their coarse copies do from them.
#[test]
fn rows_that_only_exact_products_tell_apart_are_all_computed() {
    let (rows, cols, cpu) = (900, 64, cpu(2));
    let base = random(6, cols, 1.0);
    let nudge = |row: usize, value: &f32| value * (1.0 + (row * 7919 % rows) as f32 * 1e-7);
    let values: Vec<f32> = (0..rows).flat_map(|row| base.iter().map(move |value| nudge(row, value))).collect();
    let matrix = Matrix::from_f32(&cpu, PackingKind::F32, rows, cols, &values).unwrap();
    let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
    assert_eq!(check(&cpu, (&matrix, &shortlist), &base, 1), rows);
}

/// A row that the copy shows as small as it can, next to one that it shows as large as it can: every weight is rounded
/// against the one and for the other by nearly half a step. The bound has no room to spare.
#[test]
fn the_bound_holds_where_all_weights_are_rounded_the_wrong_way() {
    let cpu = cpu(1);
    // The largest weight makes the step 1; its activation is zero.
    let row = |weight: fn(usize) -> f32| (0..32).map(move |i| if i == 0 { 127.0 } else { weight(i) });
    let down = row(|_| 10.48);
    let up = row(|i| if i < 3 { 9.52 } else { 10.52 });
    let values: Vec<f32> = down.chain(up).collect();
    let matrix = Matrix::from_f32(&cpu, PackingKind::F32, 2, 32, &values).unwrap();
    let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
    let x: Vec<f32> = (0..32).map(|i| if i == 0 { 0.0 } else { 1.0 }).collect();
    let y = |row: usize| (1..32).map(|i| values[32 * row + i]).sum::<f32>();
    let coarse = |row: usize| (1..32).map(|i| values[32 * row + i].round()).sum::<f32>();
    assert!(y(0) > y(1) && coarse(0) + 28.0 < coarse(1), "{} {} {} {}", y(0), y(1), coarse(0), coarse(1));
    assert!(check(&cpu, (&matrix, &shortlist), &x, 1) >= 1);
}

/// The same of activations, whose steps are those of 16 bits; the copy of these weights is exact.
#[test]
fn the_bound_holds_where_all_activations_are_rounded_the_wrong_way() {
    let cpu = cpu(1);
    // The largest activation makes the step 1; its weights are zero.
    let activation = |i: usize| match i {
        0 => f32::from(INT16_MAX),
        1..129 => 300.49,
        129..172 => 303.51,
        _ => 302.51,
    };
    let x: Vec<f32> = (0..256).map(activation).collect();
    let weights = (0..512).map(|i| if (1..129).contains(&i) || i >= 256 + 129 { 127.0 } else { 0.0 });
    let values: Vec<f32> = weights.collect();
    let matrix = Matrix::from_f32(&cpu, PackingKind::F32, 2, 256, &values).unwrap();
    let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
    let sum = |row: usize, round: fn(f32) -> f32| {
        let terms = values[256 * row..].iter().zip(&x).map(|(w, x)| f64::from(w / 127.0 * round(*x)));
        terms.sum::<f64>()
    };
    assert!(sum(0, |x| x) > sum(1, |x| x) && sum(0, f32::round) + 120.0 < sum(1, f32::round));
    assert!(check(&cpu, (&matrix, &shortlist), &x, 1) >= 1);
}

#[test]
fn activations_that_are_not_finite_give_all_products() {
    let (rows, cols, cpu) = (200, 96, cpu(1));
    let matrix = Matrix::from_f32(&cpu, PackingKind::BF16, rows, cols, &random(7, rows * cols, 1.0)).unwrap();
    let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
    for wrong in [f32::NAN, f32::INFINITY, f32::MAX] {
        let mut x = random(8, cols, 1.0);
        x[50] = wrong;
        let x = ActivationRows::new(cols, x);
        let mut all = vec![0.0; rows];
        cpu.matmul(&x, &matrix, &mut all);
        let largest = spread(rows, &cpu.largest_products(&x, &matrix, &shortlist, 3)[0]);
        let best = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(all.iter().zip(&largest).all(same) || (best.is_finite() && largest.contains(&best)), "{wrong}");
    }
    let zeros = ActivationRows::new(cols, vec![0.0; cols]);
    let largest = &cpu.largest_products(&zeros, &matrix, &shortlist, 1)[0];
    assert_eq!(largest.values, vec![0.0; rows], "all are equal, so all are among the largest");
}

#[test]
fn quantized_matrices_and_ragged_blocks_are_refused() {
    let cpu = cpu(1);
    let matrix = Matrix::from_f32(&cpu, PackingKind::Q8_0, 3, 64, &random(9, 192, 1.0)).unwrap();
    let error = Shortlist::new(&cpu, &matrix, |_| ()).unwrap_err().to_string();
    assert!(error.contains("q8_0") && error.contains("F16"), "{error}");
    let matrix = Matrix::from_f32(&cpu, PackingKind::F32, 3, 50, &random(9, 150, 1.0)).unwrap();
    let error = Shortlist::new(&cpu, &matrix, |_| ()).unwrap_err().to_string();
    assert!(error.contains("50 columns"), "{error}");
}

proptest! {
    #![proptest_config(crate::cases(30))]

    /// Weights and activations of many magnitudes, also in one row.
    #[test]
    fn nothing_large_is_left_out(
        seed in 0_u64..1000, rows in 1_usize..200, blocks in 1_usize..9, count in 1_usize..30, kind in 0_usize..3,
    ) {
        let (cols, cpu) = (32 * blocks, cpu(1));
        let mut scales = ChaCha8Rng::seed_from_u64(!seed);
        let mut spread = |mut values: Vec<f32>, run: usize| {
            values.chunks_mut(run).for_each(|run| {
                let scale = 10_f32.powi(scales.random_range(-6..3));
                run.iter_mut().for_each(|value| *value *= scale);
            });
            values
        };
        let values = spread(random(seed, rows * cols, 1.0), 16);
        let x = spread(random(seed + 1, cols, 1.0), 16);
        let matrix = Matrix::from_f32(&cpu, KINDS[kind], rows, cols, &values).unwrap();
        let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).unwrap();
        check(&cpu, (&matrix, &shortlist), &x, count);
    }
}
