//! Quantization on every instruction set against plain loops, bit for bit.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::*;
use crate::reference::ternary as reference;
use crate::{CpuOptions, Isa};

fn cpus() -> Vec<Machine> {
    let cpu = |isa| Machine::new(CpuOptions { isa: Some(isa), threads: NonZeroUsize::new(2) }).unwrap();
    Isa::available().into_iter().map(cpu).collect()
}

fn int8_matches(cols: usize, values: &[f32]) {
    for cpu in cpus() {
        let found = Int8Rows::quantize(&cpu, cols, values);
        let codes = found.quantized().codes().chunks_exact(found.quantized().stride());
        let sums = found.quantized().block_sums().chunks_exact(found.quantized().stride() / BLOCK);
        for (t, ((x, codes), sums)) in values.chunks_exact(cols).zip(codes).zip(sums).enumerate() {
            let (expected, scale) = reference::quantize_int8(x);
            assert_eq!(codes[..cols], expected, "{cpu:?}, token {t}");
            assert!(codes[cols..].iter().all(|&code| code == 0), "{cpu:?}, token {t}: padding");
            assert_eq!(found.scales()[t].to_bits(), scale.to_bits(), "{cpu:?}, token {t}");
            assert_eq!(
                found.sums()[t],
                expected.iter().map(|&code| i32::from(code)).sum::<i32>(),
                "{cpu:?}, token {t}"
            );
            let of_blocks: Vec<i32> =
                codes.chunks(BLOCK).map(|block| block.iter().map(|&q| i32::from(q)).sum()).collect();
            assert_eq!(sums, of_blocks, "{cpu:?}, token {t}");
        }
    }
}

fn q8k_matches(cols: usize, values: &[f32]) {
    for cpu in cpus() {
        let found = BlockRows::quantize(&cpu, cols, values, BlockRule::Q8K);
        let (mut codes, mut scales) = (Vec::new(), Vec::new());
        for x in values.chunks_exact(cols) {
            let (row_codes, row_scales) = reference::quantize_q8k(x);
            codes.extend(row_codes);
            scales.extend(row_scales);
        }
        assert_eq!(found.quantized().codes(), codes, "{cpu:?}");
        assert_eq!(found.scales(), scales, "{cpu:?}");
        for (block, &sum) in codes.chunks_exact(BLOCK).zip(found.quantized().block_sums()) {
            assert_eq!(sum, block.iter().map(|&q| i32::from(q)).sum::<i32>(), "{cpu:?}");
        }
    }
}

/// Codes, scales and sums of a rule with a scale for each block.
fn blocks_match(rule: BlockRule, cols: usize, values: &[f32], quantize: impl Fn(&[f32]) -> (Vec<i8>, Vec<f32>)) {
    for cpu in cpus() {
        let found = BlockRows::quantize(&cpu, cols, values, rule);
        let (quantized, of_row) = (found.quantized(), found.quantized().stride() / rule.block());
        for (t, x) in values.chunks_exact(cols).enumerate() {
            let (mut codes, mut scales) = quantize(x);
            codes.resize(quantized.stride(), 0);
            scales.resize(of_row, 0.0);
            let sums: Vec<i32> =
                codes.chunks(rule.block()).map(|block| block.iter().map(|&q| i32::from(q)).sum()).collect();
            assert_eq!(quantized.codes()[t * quantized.stride()..][..quantized.stride()], codes, "{rule:?}, {cpu:?}");
            assert_eq!(found.scales()[t * of_row..][..of_row], scales, "{rule:?}, {cpu:?}");
            assert_eq!(quantized.block_sums()[t * of_row..][..of_row], sums, "{rule:?}, {cpu:?}");
        }
    }
}

/// Blocks of zeros, of numbers so small that their scale is no f16 number or their inverse overflows, and others.
#[test]
fn rules_with_small_blocks_match() {
    let size = |block: usize| [0.0, 1e-42, 1e-31, 1e-7, 1.0, 65504.0, 1e30][block % 7];
    let values: Vec<f32> = (0..3 * 896).map(|i| size(i / 32) * ((i * 71 % 255) as f32 - 127.0) / 127.0).collect();
    blocks_match(BlockRule::Q8_0, 896, &values[..2 * 896], reference::quantize_q8_0);
    blocks_match(BlockRule::Groups64, 896, &values, |x| reference::quantize_groups(x, 64));
    blocks_match(BlockRule::Groups128, 896, &values, |x| reference::quantize_groups(x, 128));
    let small = |rule| BlockRows::quantize(&cpus()[0], 128, &[f32::NAN; 128], rule).scales()[0].is_nan();
    assert!(BlockRule::ALL.into_iter().filter(|rule| rule.block() <= 128).all(small));
}

fn int16_matches(cols: usize, values: &[f32]) {
    for cpu in cpus() {
        let found = Int16Rows::quantize(&cpu, cols, values);
        let (codes, scales) = (found.codes().chunks_exact(found.stride()), found.scales().chunks(cols.div_ceil(BLOCK)));
        assert_eq!(found.rows(), values.len() / cols, "{cpu:?}");
        for (t, ((x, codes), scales)) in values.chunks_exact(cols).zip(codes).zip(scales).enumerate() {
            let (expected, expected_scales) = crate::reference::int16::quantize(x);
            assert_eq!(codes[..cols], expected, "{cpu:?}, token {t}");
            assert!(codes[cols..].iter().all(|&code| code == 0), "{cpu:?}, token {t}: padding");
            assert_eq!(scales, expected_scales, "{cpu:?}, token {t}");
        }
    }
}

#[test]
fn int16_codes_reach_the_largest_and_round_to_even() {
    // The largest magnitude of the first block is 32512, so its scale is 1; that of the second is 0.
    let mut values = vec![0.5; 300];
    values[..6].copy_from_slice(&[-32512.0, 1.5, 2.5, -0.5, 32511.5, 100.25]);
    values[256..].fill(1e-31);
    int16_matches(300, &values);
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    let rows = Int16Rows::quantize(&cpu, 300, &values);
    assert_eq!(rows.codes()[..7], [-32512, 2, 2, 0, 32512, 100, 0]);
    assert_eq!((rows.scales(), rows.stride()), (&[1.0, 0.0][..], 512));
}

#[test]
fn halves_round_to_even() {
    // The largest magnitude is 127, so the scale is 1.
    let values = [127.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, -127.0, 126.5, 0.499_999_97];
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    let rows = Int8Rows::quantize(&cpu, 5, &values);
    assert_eq!(rows.quantized().codes()[..5], [127, 0, 2, 2, 0]);
    assert_eq!(rows.scales(), [1.0, 1.0]);
    assert_eq!(rows.quantized().codes()[256..261], [-2, -2, -127, 126, 0]);
}

#[test]
fn q8k_takes_the_sign_of_the_first_largest() {
    for first in [-4.0, 4.0] {
        let mut values = [1.0; 512];
        (values[100], values[200], values[300]) = (first, -first, 0.125);
        values[400..].fill(-0.5);
        q8k_matches(512, &values);
        let cpu = Machine::new(CpuOptions::default()).unwrap();
        let rows = BlockRows::quantize(&cpu, 512, &values, BlockRule::Q8K);
        assert_eq!(rows.quantized().codes()[100], -127);
        assert_eq!(rows.quantized().codes()[200], 127);
        assert_eq!(rows.scales()[0].to_bits(), (1.0_f32 / (-127.0 / first)).to_bits());
    }
}

#[test]
fn rows_of_zeros_and_of_tiny_values_are_zeros() {
    let zeros = [0.0; 768];
    int8_matches(768, &zeros);
    q8k_matches(768, &zeros);
    int8_matches(3, &[1e-30, -1e-8, 1e-9]);
}

#[test]
fn values_that_are_no_numbers_reach_the_products() {
    let mut values = vec![1.0; 512];
    (values[3], values[300]) = (f32::NAN, f32::INFINITY);
    for cpu in cpus() {
        let rows = Int8Rows::quantize(&cpu, 256, &values);
        assert_eq!((rows.quantized().codes()[3], rows.quantized().codes()[4]), (0, 127), "{cpu:?}");
        assert_eq!((rows.scales()[1], rows.sums()[1]), (0.0, 0), "{cpu:?}");
        assert!(rows.scales()[0].is_nan(), "{cpu:?}");
        let rows = BlockRows::quantize(&cpu, 512, &values, BlockRule::Q8K);
        assert_eq!((rows.quantized().codes()[3], rows.quantized().codes()[4]), (0, -127), "{cpu:?}");
        assert!(rows.scales()[0].is_nan(), "{cpu:?}");
        assert!(rows.quantized().codes()[256..].iter().all(|&code| code == 0), "{cpu:?}");
        let rows = Int16Rows::quantize(&cpu, 512, &values);
        assert!(rows.scales()[0].is_nan() && rows.scales()[1] == f32::INFINITY, "{cpu:?}");
        assert!(rows.codes()[256..].iter().all(|&code| code == 0), "{cpu:?}");
    }
}

#[test]
fn activations_are_quantized_once() {
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    let x = ActivationRows::new(256, vec![0.25; 768]);
    assert!(std::ptr::eq(x.int8(&cpu), x.int8(&cpu)));
    for rule in BlockRule::ALL {
        assert!(std::ptr::eq(x.blocks(&cpu, rule), x.blocks(&cpu, rule)), "{rule:?}");
    }
    assert!(std::ptr::eq(x.int16(&cpu), x.int16(&cpu)));
    assert_eq!((x.rows(), x.cols(), x.values().len()), (3, 256, 768));
}

/// Values that rows are made of.
fn seeds() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-9.0_f32..9.0, 1..50)
}

proptest! {
    #![proptest_config(crate::cases(100))]

    #[test]
    fn int8_equals_plain_loops(cols in 1_usize..600, tokens in 1_usize..4, seed in seeds()) {
        let values: Vec<f32> = (0..cols * tokens).map(|i| seed[i % seed.len()] * (1.0 + i as f32 / 7.0)).collect();
        int8_matches(cols, &values);
    }

    #[test]
    fn int16_equals_plain_loops(cols in 1_usize..600, tokens in 1_usize..4, seed in seeds()) {
        let values: Vec<f32> = (0..cols * tokens).map(|i| seed[i % seed.len()] * (1.0 + i as f32 / 7.0)).collect();
        int16_matches(cols, &values);
    }

    #[test]
    fn q8k_equals_plain_loops(blocks in 1_usize..4, tokens in 1_usize..4, seed in seeds()) {
        let value = |i: usize| seed[i * 7 % seed.len()] * (1.0 + i as f32 / 7.0);
        let values: Vec<f32> = (0..256 * blocks * tokens).map(value).collect();
        q8k_matches(256 * blocks, &values);
    }
}
