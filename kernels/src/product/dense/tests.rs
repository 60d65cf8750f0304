//! Dense products on every instruction set, for every packing, at sizes around the edges of tiles and segments.

use super::product;
use crate::machine::outputs::Output;
use crate::packing::{
    BF16, DensePacking, F16, F32, Packed, Packing, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, WeightScale,
};
use crate::{CpuOptions, Isa, Machine, reference};
use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::num::NonZeroUsize;

/// A matrix of random bytes whose half-precision scales (at `scales` of each block) are small and positive.
pub(super) fn matrix<P: Packing>(rows: usize, cols: usize, scales: &[usize]) -> Packed<P> {
    let mut random = ChaCha8Rng::seed_from_u64((rows * 1000 + cols) as u64);
    let blocks = rows * cols / P::BLOCK;
    let mut bytes = vec![0; 1 + blocks * P::BLOCK_BYTES];
    random.fill_bytes(&mut bytes);
    for block in bytes[1..].chunks_exact_mut(P::BLOCK_BYTES) {
        for &at in scales {
            block[at + 1] = 0x20 | block[at + 1] & 3;
        }
    }
    // One byte off, so that nothing relies on alignment.
    let bytes = Bytes::from(bytes).slice(1..);
    Packed::new(rows, cols, bytes).unwrap().with_multiplier(WeightScale::new(0.75).unwrap()).unwrap()
}

pub(super) fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

pub(super) fn cpus() -> Vec<Machine> {
    let cpu = |isa, threads| Machine::new(CpuOptions { isa: Some(isa), threads: NonZeroUsize::new(threads) }).unwrap();
    Isa::available().into_iter().flat_map(|isa| [cpu(isa, 1), cpu(isa, 3)]).collect()
}

/// Products of every size, and of each token alone, against plain loops over the decoded rows.
fn matches_reference<P: DensePacking>(scales: &[usize]) {
    let cpus = cpus();
    for (rows, blocks, tokens) in
        [(1, 1, 1), (3, 2, 4), (4, 5, 5), (9, 17, 3), (6, 40, 2), (19, 33, 7), (5, 21, 8), (21, 33, 33), (34, 3, 38)]
    {
        // Columns that are not whole blocks of 16 where the packing allows them.
        let cols = if P::BLOCK == 1 { blocks * 31 } else { (blocks * P::BLOCK).min(5 * 256) };
        let matrix = matrix::<P>(rows, cols, scales);
        let mut weights = vec![0.0; rows * cols];
        for (row, out) in weights.chunks_exact_mut(cols).enumerate() {
            P::decode(matrix.row(row), matrix.shared(), out);
        }
        let x = numbers(tokens as u64, tokens * cols);
        let expected = reference::dense::product(&weights, 0.75, &x, cols);
        for cpu in &cpus {
            let mut y = vec![f32::NAN; tokens * rows];
            product(cpu, &x, &matrix, Output::over(&mut y));
            assert_eq!(y, expected, "{} on {}: {rows} x {cols}, {tokens} tokens", P::NAME, cpu.isa());
            for (x, expected) in x.chunks_exact(cols).zip(expected.chunks_exact(rows)) {
                let mut y = vec![f32::NAN; rows];
                product(cpu, x, &matrix, Output::over(&mut y));
                assert_eq!(y, expected, "{} on {}: one token", P::NAME, cpu.isa());
            }
        }
    }
}

#[test]
fn f32_products() {
    // The upper half of a float is a half-precision scale in layout: sign, exponent and the top of the mantissa.
    matches_reference::<F32>(&[2]);
}

#[test]
fn f16_products() {
    matches_reference::<F16>(&[0]);
}

#[test]
fn bf16_products() {
    matches_reference::<BF16>(&[0]);
}

#[test]
fn q8_0_products() {
    matches_reference::<Q8_0>(&[0]);
}

#[test]
fn q4_0_products() {
    matches_reference::<Q4_0>(&[0]);
}

#[test]
fn q4_1_products() {
    matches_reference::<Q4_1>(&[0, 2]);
}

#[test]
fn q5_0_products() {
    matches_reference::<Q5_0>(&[0]);
}

#[test]
fn q5_1_products() {
    matches_reference::<Q5_1>(&[0, 2]);
}

#[test]
fn q4_k_products() {
    matches_reference::<Q4K>(&[0, 2]);
}

#[test]
fn q5_k_products() {
    matches_reference::<Q5K>(&[0, 2]);
}

#[test]
fn q6_k_products() {
    matches_reference::<Q6K>(&[208]);
}

#[test]
fn no_tokens_is_no_work() {
    product(&Machine::new(CpuOptions::default()).unwrap(), &[], &matrix::<F16>(3, 7, &[0]), Output::over(&mut []));
}
