//! Coded products on every instruction set against plain loops, bit for bit.

mod grouped;

use std::num::NonZeroUsize;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Terms, Triples, Unpack, lut_gemm, product};
use crate::activations::ActivationRows;
use crate::activations::BlockRule;
use crate::machine::outputs::Output;
use crate::packing::{I2S, PackScales, Packed, Scales, Tq1_0, Tq2_0, WeightScale};
use crate::reference::ternary::{self as reference, WeightScales, product_blocks, product_int8};
use crate::{CpuOptions, Isa, Machine};

/// One pool of one thread and one of three for every instruction set of this machine.
fn cpus() -> Vec<Machine> {
    let cpu = |isa, threads| Machine::new(CpuOptions { isa: Some(isa), threads: NonZeroUsize::new(threads) }).unwrap();
    Isa::available().into_iter().flat_map(|isa| [cpu(isa, 1), cpu(isa, 3)]).collect()
}

/// Weights of one case.
struct Case {
    rows: usize,
    cols: usize,
    codes: Vec<u8>,
    /// One scale, or one for each 256 columns.
    scales: Vec<f32>,
    multiplier: f32,
}

impl Case {
    /// Random codes and scales; with `blocks`, a scale for each block.
    fn random(rows: usize, cols: usize, blocks: bool) -> Case {
        let mut random = ChaCha8Rng::seed_from_u64((rows * 10_000 + cols) as u64);
        let codes = (0..rows * cols).map(|_| random.random_range(0..3)).collect();
        // Multiples of 2^-12 up to 1 are f16 numbers where they have 11 bits.
        let count = if blocks { rows * cols / 256 } else { 1 };
        let scales = (0..count).map(|_| random.random_range(1..2048) as f32 / 4096.0).collect();
        Case { rows, cols, codes, scales, multiplier: 0.8125 }
    }

    fn packed<P: Unpack>(&self) -> Packed<P> {
        let scales =
            if self.scales.len() == 1 { PackScales::One(self.scales[0]) } else { PackScales::Blocks(&self.scales) };
        let packed = Packed::pack(self.rows, self.cols, &self.codes, scales).unwrap();
        packed.with_multiplier(WeightScale::new(self.multiplier).unwrap()).unwrap()
    }

    fn weight_scales(&self) -> WeightScales<'_> {
        if self.scales.len() == 1 {
            WeightScales::Tensor(self.scales[0])
        } else {
            WeightScales::Blocks { columns: 256, scales: &self.scales }
        }
    }
}

fn activations(cols: usize, tokens: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64((cols * 100 + tokens) as u64);
    (0..cols * tokens).map(|_| random.random_range(-3.0_f32..3.0)).collect()
}

fn assert_same_bits(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{what}: output {i} is {found}, expected {expected}");
    }
}

/// Every product that `cpu` has equals `expected`.
fn check_products<P: Unpack>(cpu: &Machine, packed: &Packed<P>, terms: &Terms<'_>, expected: &[f32], what: &str) {
    let check = |way: &str, product: &dyn Fn(&mut [Output])| {
        let mut y = vec![f32::NAN; expected.len()];
        product(Output::over(&mut y));
        assert_same_bits(&y, expected, &format!("{what}{way}"));
    };
    check("", &|y| product(cpu, packed, None, terms, y));
    if let Some(lookups) = cpu.isa().lookups() {
        check(", looked up", &|y| lut_gemm::product(cpu, lookups, packed, terms, y));
        let copy = Triples::new(cpu, packed);
        assert_eq!(copy.is_some(), packed.shared() != Scales::Blocks);
        if let Some(copy) = copy {
            check(", from triples", &|y| copy.product(cpu, lookups, terms, (y, packed.rows()), 1));
        }
    }
}

/// Products with both activation modes (Q8_K where the columns allow) on every machine equal the plain loops.
fn check<P: Unpack>(case: &Case, x: &[f32], cpus: &[Machine]) {
    let packed = case.packed::<P>();
    let expected = product_int8(&case.codes, case.weight_scales(), case.multiplier, x, case.cols);
    let blocks = case.cols.is_multiple_of(256);
    let expected_q8k = blocks.then(|| {
        product_blocks(&case.codes, case.weight_scales(), case.multiplier, x, case.cols, reference::quantize_q8k)
    });
    for cpu in cpus {
        let rows = ActivationRows::new(case.cols, x.to_vec());
        let what = format!("{} {} x {}, {} tokens, {cpu:?}", P::NAME, case.rows, case.cols, rows.rows());
        check_products(cpu, &packed, &Terms::int8(cpu, rows.int8(cpu), &packed), &expected, &what);
        if let Some(expected) = &expected_q8k {
            check_products(
                cpu,
                &packed,
                &Terms::blocks(cpu, rows.blocks(cpu, BlockRule::Q8K), &packed),
                expected,
                &format!("{what}, q8_k"),
            );
        }
    }
}

/// Rows below, at and above one and two vectors and panels; tokens around both kernels and their tiles.
const ROWS: [usize; 7] = [1, 7, 8, 17, 31, 33, 65];
const TOKENS: [usize; 10] = [1, 2, 3, 6, 7, 8, 12, 13, 16, 25];

#[test]
fn one_scale_equals_plain_loops_at_all_edges() {
    let cpus = cpus();
    for (i, &rows) in ROWS.iter().enumerate() {
        for (j, &tokens) in TOKENS.iter().enumerate() {
            let cols = 256 * (1 + (i + j) % 3);
            let case = Case::random(rows, cols, false);
            let x = activations(cols, tokens);
            check::<I2S>(&case, &x, &cpus);
            check::<Tq1_0>(&case, &x, &cpus);
            check::<Tq2_0>(&case, &x, &cpus);
        }
    }
}

#[test]
fn block_scales_equal_plain_loops_at_all_edges() {
    let cpus = cpus();
    for (i, &rows) in ROWS.iter().enumerate() {
        for (j, &tokens) in TOKENS.iter().enumerate() {
            let cols = 256 * (2 + (i + 2 * j) % 3);
            let case = Case::random(rows, cols, true);
            assert_eq!(case.packed::<Tq2_0>().shared(), Scales::Blocks);
            let x = activations(cols, tokens);
            check::<Tq1_0>(&case, &x, &cpus);
            check::<Tq2_0>(&case, &x, &cpus);
        }
    }
}

/// Large enough that threads share the rows, in chunks that are no multiple of a tile in the end.
#[test]
fn matrices_that_threads_share_equal_plain_loops() {
    let cpus = cpus();
    let shapes = [(173, 2560, 1), (101, 2304, 3), (77, 512, 29), (970, 512, 133), (613, 768, 25), (64, 256, 30)];
    for (rows, cols, tokens) in shapes {
        let x = activations(cols, tokens);
        check::<I2S>(&Case::random(rows, cols, false), &x, &cpus);
        check::<Tq1_0>(&Case::random(rows, cols, true), &x, &cpus);
        check::<Tq2_0>(&Case::random(rows, cols, true), &x, &cpus);
    }
}

#[test]
fn i2s_takes_any_number_of_columns() {
    let cpus = cpus();
    for (cols, rows, tokens) in
        [(1, 3, 1), (5, 9, 2), (127, 4, 5), (128, 33, 1), (129, 2, 13), (300, 19, 6), (384, 5, 3)]
    {
        check::<I2S>(&Case::random(rows, cols, false), &activations(cols, tokens), &cpus);
    }
}

/// Columns that are cut for the first cache, and segments of them.
#[test]
fn long_rows_equal_plain_loops() {
    let cpus = cpus();
    for (cols, rows, tokens) in [(6912, 17, 2), (7168, 5, 4), (6912, 3, 7), (3584, 9, 8), (6912, 33, 9)] {
        for blocks in [false, true] {
            let (case, x) = (Case::random(rows, cols, blocks), activations(cols, tokens));
            check::<Tq1_0>(&case, &x, &cpus);
            check::<Tq2_0>(&case, &x, &cpus);
            if !blocks {
                check::<I2S>(&case, &x, &cpus);
            }
        }
    }
}

/// The largest sums of either sign, over more columns than an `i16` could hold.
#[test]
fn extreme_codes_and_activations_do_not_overflow() {
    let cpus = cpus();
    for cols in [2560, 8192, 16_384 + 256] {
        for (code, value) in [(2, 1.0), (2, -1.0), (0, 1.0), (0, -1.0)] {
            let case = Case { rows: 9, cols, codes: vec![code; 9 * cols], scales: vec![0.5], multiplier: 1.0 };
            // Kernels for a few tokens cut columns alike, however many there are.
            let few: &[usize] = if cols == 8192 { &[2, 3, 8] } else { &[] };
            for tokens in [1, 13].iter().chain(few) {
                let x = vec![value; cols * tokens];
                check::<I2S>(&case, &x, &cpus);
                check::<Tq1_0>(&case, &x, &cpus);
                check::<Tq2_0>(&case, &x, &cpus);
            }
        }
    }
}

/// Activations of -128, which quantization by the formula does not give but the kernels must hold.
#[test]
fn activations_of_minus_128_do_not_overflow() {
    let (rows, cols) = (17, 8192);
    let case = Case { rows, cols, codes: vec![2; rows * cols], scales: vec![1.0], multiplier: 1.0 };
    let packed = case.packed::<I2S>();
    let codes = vec![-128; cols * 13];
    let sums = [-128 * cols as i32; 13];
    for cpu in cpus() {
        for tokens in [1, 2, 3, 8, 13] {
            let terms = Terms::of_codes(&codes[..tokens * cols], cols, &sums[..tokens]);
            let expected = vec![-128.0 * cols as f32; rows * tokens];
            check_products(&cpu, &packed, &terms, &expected, &format!("{cpu:?}"));
        }
    }
}

/// One scale gives the same bits in every packing, although two of them store it by block.
#[test]
fn packings_of_the_same_weights_agree() {
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    let (rows, cols, tokens) = (37, 768, 6);
    let case = Case::random(rows, cols, false);
    let x = ActivationRows::new(cols, activations(cols, tokens));
    let run = |terms: Terms<'_>, product: &dyn Fn(&Terms<'_>, &mut [f32])| {
        let mut y = vec![0.0; rows * tokens];
        product(&terms, &mut y);
        y
    };
    let (i2s, tq1, tq2) = (case.packed::<I2S>(), case.packed::<Tq1_0>(), case.packed::<Tq2_0>());
    let from_i2s =
        run(Terms::int8(&cpu, x.int8(&cpu), &i2s), &|terms, y| product(&cpu, &i2s, None, terms, Output::over(y)));
    let from_tq1 =
        run(Terms::int8(&cpu, x.int8(&cpu), &tq1), &|terms, y| product(&cpu, &tq1, None, terms, Output::over(y)));
    let from_tq2 =
        run(Terms::int8(&cpu, x.int8(&cpu), &tq2), &|terms, y| product(&cpu, &tq2, None, terms, Output::over(y)));
    assert_same_bits(&from_tq1, &from_i2s, "tq1_0");
    assert_same_bits(&from_tq2, &from_i2s, "tq2_0");
}

proptest! {
    #![proptest_config(crate::cases(40))]

    #[test]
    fn any_shape_equals_plain_loops(rows in 1_usize..70, cols in 1_usize..700, tokens in 1_usize..30) {
        check::<I2S>(&Case::random(rows, cols, false), &activations(cols, tokens), &cpus());
    }

    /// Many tokens at once give each the bits it gets alone.
    #[test]
    fn many_tokens_equal_single_ones(rows in 1_usize..50, blocks in 1_usize..5, tokens in 2_usize..40) {
        let cols = 256 * blocks;
        let packed = Case::random(rows, cols, true).packed::<Tq2_0>();
        let x = activations(cols, tokens);
        let cpu = Machine::new(CpuOptions::default()).unwrap();
        let product_of = |x: &[f32]| {
            let x = ActivationRows::new(cols, x.to_vec());
            let mut y = vec![f32::NAN; rows * x.rows()];
            product(&cpu, &packed, None, &Terms::int8(&cpu, x.int8(&cpu), &packed), Output::over(&mut y));
            y
        };
        let single: Vec<f32> = x.chunks_exact(cols).flat_map(product_of).collect();
        assert_same_bits(&product_of(&x), &single, "many tokens");
    }
}
