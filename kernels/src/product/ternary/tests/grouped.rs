//! Products of matrices with a scale for each group, in every activation mode and on every instruction set, against
//! plain loops, bit for bit.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{activations, assert_same_bits, cpus};
use crate::activations::ActivationRows;
use crate::packing::{Coded, PackScales, Packed, Pq2_0, Ptq1_0, Q1_0, Q2_0, Tq1_0, Tq2_0, WeightScale, ZERO_CODE};
use crate::product::matrix::{ActivationMode, AnyPacked, Matrix};
use crate::reference::ternary::{self as reference, WeightScales};
use crate::{Machine, PackingKind};

const MULTIPLIER: f32 = 0.8125;

/// A random matrix of a packing and what it was made of.
struct Case {
    matrix: Matrix,
    codes: Vec<u8>,
    scales: Vec<f32>,
    block: usize,
}

impl Case {
    fn random<P: Coded>(rows: usize, cols: usize, one_scale: bool) -> Case
    where
        AnyPacked: From<Packed<P>>,
    {
        let mut random = ChaCha8Rng::seed_from_u64((rows * 10_000 + cols) as u64);
        let mut code = |_| if P::HAS_ZERO { random.random_range(0..3) } else { 2 * random.random_range(0..2) };
        let codes: Vec<u8> = (0..rows * cols).map(&mut code).collect();
        // Multiples of 2^-12 up to 1/2 are f16 numbers, as they have 11 bits.
        let count = if one_scale { 1 } else { rows * cols / P::BLOCK };
        let scales = (0..count).map(|_| random.random_range(1..2048) as f32 / 4096.0).collect();
        Case::of::<P>((rows, cols), codes, scales)
    }

    /// A matrix with one scale, or with one for each block.
    fn of<P: Coded>((rows, cols): (usize, usize), codes: Vec<u8>, scales: Vec<f32>) -> Case
    where
        AnyPacked: From<Packed<P>>,
    {
        let of_packing = if let [scale] = scales[..] { PackScales::One(scale) } else { PackScales::Blocks(&scales) };
        let packed = Packed::<P>::pack(rows, cols, &codes, of_packing).expect("codes and scales");
        let packed = packed.with_multiplier(WeightScale::new(MULTIPLIER).expect("finite")).expect("finite");
        Case { matrix: Matrix::from(AnyPacked::from(packed)), codes, scales, block: P::BLOCK }
    }

    fn expected(&self, mode: ActivationMode, x: &[f32]) -> Vec<f32> {
        let scales = match &self.scales[..] {
            [scale] => WeightScales::Tensor(*scale),
            scales => WeightScales::Blocks { columns: self.block, scales },
        };
        let cols = self.matrix.cols();
        let blocks = |quantize: &dyn Fn(&[f32]) -> (Vec<i8>, Vec<f32>)| {
            reference::product_blocks(&self.codes, scales, MULTIPLIER, x, cols, quantize)
        };
        match mode {
            ActivationMode::Int8PerToken => reference::product_int8(&self.codes, scales, MULTIPLIER, x, cols),
            ActivationMode::Int8PerGroup => blocks(&|x| reference::quantize_groups(x, self.block)),
            ActivationMode::Q8_0 => blocks(&reference::quantize_q8_0),
            ActivationMode::Q8K => blocks(&reference::quantize_q8k),
            ActivationMode::Int16 | ActivationMode::F32 => unreachable!("not a mode of codes"),
        }
    }
}

fn products(cpu: &Machine, matrix: &Matrix, x: &[f32]) -> Vec<f32> {
    let x = ActivationRows::new(matrix.cols(), x.to_vec());
    let mut y = vec![f32::NAN; matrix.rows() * x.rows()];
    cpu.matmul(&x, matrix, &mut y);
    y
}

/// Products in every mode that the matrix has, on every machine, equal the plain loops.
fn check(case: Case, x: &[f32], cpus: &[Machine]) {
    let modes = [ActivationMode::Int8PerGroup, ActivationMode::Int8PerToken, ActivationMode::Q8_0, ActivationMode::Q8K];
    check_in(&modes, case, x, cpus);
}

/// [`check`] in some modes.
fn check_in(modes: &[ActivationMode], case: Case, x: &[f32], cpus: &[Machine]) {
    for &mode in modes {
        let Ok(matrix) = case.matrix.clone().with_activation_mode(mode) else {
            assert!(mode == ActivationMode::Q8K && !case.matrix.cols().is_multiple_of(256), "{mode} is there");
            continue;
        };
        let expected = case.expected(mode, x);
        for cpu in cpus {
            let (kind, rows, cols) = (matrix.kind().name(), matrix.rows(), matrix.cols());
            let tokens = x.len() / cols;
            let what = format!("{kind} {rows}x{cols}, {mode}, {tokens} tokens, {cpu:?}");
            assert_same_bits(&products(cpu, &matrix, x), &expected, &what);
            let with_copy = matrix.clone().with_triples(cpu);
            if with_copy.has_triples() {
                assert_same_bits(&products(cpu, &with_copy, x), &expected, &format!("{what}, with a copy"));
            }
        }
    }
}

fn check_all(rows: usize, windows: usize, tokens: usize, one_scale: bool, cpus: &[Machine]) {
    let cols = 128 * windows;
    let x = activations(cols, tokens);
    check(Case::random::<Pq2_0>(rows, cols, one_scale), &x, cpus);
    check(Case::random::<Ptq1_0>(rows, cols, one_scale), &x, cpus);
    check(Case::random::<Q1_0>(rows, cols, one_scale), &x, cpus);
    check(Case::random::<Q2_0>(rows, cols, one_scale), &x, cpus);
    // Groups of 64 also come in odd numbers.
    let cols = cols - 64;
    check(Case::random::<Q2_0>(rows, cols, one_scale), &activations(cols, tokens), cpus);
}

#[test]
fn products_equal_plain_loops() {
    let cpus = cpus();
    for (rows, windows, tokens) in
        [(1, 1, 1), (8, 2, 1), (37, 3, 2), (19, 5, 3), (24, 4, 4), (70, 9, 8), (33, 4, 9), (40, 5, 13), (16, 2, 40)]
    {
        for one_scale in [false, true] {
            check_all(rows, windows, tokens, one_scale, &cpus);
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(12))]

    #[test]
    fn any_shape_equals_plain_loops(rows in 1_usize..70, windows in 1_usize..6, tokens in 1_usize..30) {
        check_all(rows, windows, tokens, false, &cpus());
    }
}

/// Equal activations and no code but 2: no sum of a group or of 256 columns is larger.
#[test]
fn the_largest_sums_are_exact() {
    fn largest<P: Coded>(modes: &[ActivationMode], x: &[f32], cpus: &[Machine])
    where
        AnyPacked: From<Packed<P>>,
    {
        let scales = (0..9 * 512 / P::BLOCK).map(|i| (1 + i % 5) as f32 / 8.0).collect();
        check_in(modes, Case::of::<P>((9, 512), vec![2; 9 * 512], scales), x, cpus);
    }
    let (cpus, groups, blocks) = (cpus(), [ActivationMode::Int8PerGroup, ActivationMode::Q8_0], [ActivationMode::Q8K]);
    for x in [1.0, -1.0] {
        for tokens in [1, 4] {
            let x = vec![x; 512 * tokens];
            largest::<Pq2_0>(&groups, &x, &cpus);
            largest::<Ptq1_0>(&groups, &x, &cpus);
            largest::<Q1_0>(&groups, &x, &cpus);
            largest::<Q2_0>(&groups, &x, &cpus);
            largest::<Tq1_0>(&blocks, &x, &cpus);
            largest::<Tq2_0>(&blocks, &x, &cpus);
        }
    }
}

/// What several packings hold has the same products in all of them.
#[test]
fn equal_weights_have_equal_products() {
    let x = activations(768, 11);
    let doubled = |kind: PackingKind| {
        let case = Case::random::<Pq2_0>(45, 768, false);
        (case.matrix.convert(kind).expect("all packings of 128 columns and fewer hold it"), case.matrix)
    };
    for cpu in cpus() {
        let (base3, pairs) = doubled(PackingKind::Ptq1_0);
        assert_same_bits(&products(&cpu, &base3, &x), &products(&cpu, &pairs, &x), "ptq1_0");
        let (halves, pairs) = doubled(PackingKind::Q2_0);
        let back = halves.convert(PackingKind::Pq2_0).expect("halves have one scale");
        assert_eq!(back.bytes(), pairs.bytes());
        let AnyPacked::Q2_0(halves) = halves.packed() else { panic!("{halves:?}") };
        assert_eq!(halves.joined().expect("halves have one scale").bytes(), pairs.bytes());
        let per_token = |matrix: Matrix| matrix.with_activation_mode(ActivationMode::Int8PerToken).expect("of codes");
        let wide = Case::random::<Tq2_0>(45, 768, false).matrix;
        let narrow = wide.convert(PackingKind::Pq2_0).expect("a scale twice");
        assert_eq!(narrow.convert(PackingKind::Tq1_0).expect("the same").scales(), wide.scales());
        let one = Case::random::<Tq1_0>(45, 768, true).matrix;
        let expected = products(&cpu, &one, &x);
        for kind in [PackingKind::Pq2_0, PackingKind::Ptq1_0, PackingKind::Q2_0, PackingKind::I2S] {
            let found = per_token(one.convert(kind).expect("one scale"));
            assert_same_bits(&products(&cpu, &found, &x), &expected, kind.name());
        }
    }
}

/// A group of zeros has any scale, so that halves of 128 columns one of which is zeros are one group.
#[test]
fn a_half_of_zeros_takes_the_scale_of_the_other() {
    let mut codes = vec![2; 128];
    codes[64..].fill(ZERO_CODE);
    let packed = Packed::<Q2_0>::pack(1, 128, &codes, PackScales::Blocks(&[0.5, 0.25])).expect("two groups");
    let joined = packed.joined().expect("one group");
    assert_eq!((joined.scales(), joined.bytes()), (vec![0.5], packed.convert::<Pq2_0>().expect("one group").bytes()));
    codes[100] = 0;
    let packed = Packed::<Q2_0>::pack(1, 128, &codes, PackScales::Blocks(&[0.5, 0.25])).expect("two groups");
    assert!(packed.joined().is_none());
    let error = packed.convert::<Pq2_0>().unwrap_err().to_string();
    assert_eq!(error, "this q2_0 matrix has the scales 0.5 and 0.25 among 128 columns that share one scale in pq2_0");
}

/// What all matrices of a packing can become: groups of zeros have any scale, in binary packings the scale 0, and a
/// negative scale is a magnitude of the other sign.
#[test]
fn zeros_and_signs_have_a_form_in_every_packing() {
    let codes: Vec<u8> = (0..256).map(|i| if i < 128 { 2 * (i % 2) as u8 } else { 2 }).collect();
    let scales = PackScales::Blocks(&[0.5, 0.0]);
    let binary = Packed::<Q1_0>::pack(1, 256, &codes, scales).expect("signs under a scale of 0");
    let ternary: Packed<Ptq1_0> = binary.recoded();
    let mut found = [0; 256];
    ternary.row_codes(0, &mut found);
    assert!(found[..128] == codes[..128] && found[128..].iter().all(|&code| code == ZERO_CODE));
    assert_eq!(ternary.convert::<Q1_0>().expect("no zero among others").bytes(), binary.bytes());
    let negative = Packed::<Tq2_0>::pack(1, 512, &[2; 512], PackScales::Blocks(&[-0.5, 0.25])).expect("two blocks");
    let narrow: Packed<Pq2_0> = negative.recoded();
    let mut row = [0.0; 512];
    narrow.decode_row(0, &mut row);
    assert!(row[..256].iter().all(|&weight| weight == -0.5) && row[256..].iter().all(|&weight| weight == 0.25));
}

/// Rows that are no whole groups have scales for tokens and none for groups.
#[test]
fn padded_rows_are_no_groups() {
    let packed = Packed::<Q2_0>::pack(2, 96, &[2; 192], PackScales::Blocks(&[0.5, 0.25, 0.5, 0.5])).expect("padded");
    assert!(packed.convert::<Pq2_0>().is_err());
    let matrix = Matrix::from(packed);
    assert_eq!(matrix.activation_mode(), ActivationMode::Int8PerToken);
    let found = products(&cpus()[0], &matrix, &[1.0; 96]);
    assert_eq!(found, [64.0 * 0.5 + 32.0 * 0.25, 96.0 * 0.5]);
}
