//! Every float kernel on every instruction set against its plain loop, bit for bit, and against f64 within a bound.

use super::exp::{exp2, exp2_of};
use super::norm::RmsNorm;
use super::pointwise::{Add, Gate, GateActivation};
use super::rope::{RopeTable, Rotate, inverse_frequencies};
use super::softmax::exponentials;
use super::{dot, half_precision};
use crate::elementwise::rope::RopePairing;
use crate::machine::outputs::Output;
use crate::simd::floats::{self, FloatKernel, Floats, LANES};
use crate::{Isa, reference};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Lengths below, at and above one vector, and beyond one tile of four.
const LENGTHS: [usize; 9] = [1, 2, 15, 16, 17, 48, 64, 79, 160];

/// Numbers in -2..2, half of them of small magnitude.
pub(crate) fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = move || (random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
    (0..count).map(|_| if unit() < 0.0 { unit() * 2.0 } else { unit() * 0.01 }).collect()
}

#[track_caller]
pub(crate) fn assert_same_bits(found: &[f32], expected: &[f32], what: impl std::fmt::Display) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{what}, element {i}: {found} and {expected}");
    }
}

/// The largest error, relative to the largest exact value.
pub(crate) fn relative_error(found: &[f32], exact: &[f64]) -> f64 {
    let scale = exact.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let error = found.iter().zip(exact).map(|(f, e)| (f64::from(*f) - e).abs()).fold(0.0, f64::max);
    error / scale
}

#[test]
fn rms_norm_on_every_isa() {
    for n in LENGTHS {
        let (x, gain, eps) = (numbers(1, n), numbers(2, n), 1e-5);
        let expected = reference::float::rms_norm(&x, &gain, eps);
        for isa in Isa::available() {
            let mut y = vec![f32::NAN; n];
            floats::run(isa, RmsNorm { x: &x, gain: &gain, eps, y: Output::over(&mut y) });
            assert_same_bits(&y, &expected, format_args!("{isa}, {n} elements"));
        }
        let mean = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / n as f64;
        for ((found, x), gain) in expected.iter().zip(&x).zip(&gain) {
            let exact = f64::from(*x) / (mean + f64::from(eps)).sqrt() * f64::from(*gain);
            assert!((f64::from(*found) - exact).abs() <= exact.abs() * 2.0 * f64::from(f32::EPSILON));
        }
    }
}

#[test]
fn rms_norm_keeps_its_accuracy_for_long_and_large_rows() {
    let x: Vec<f32> = numbers(3, 70_001).iter().map(|x| x * 1e18).collect();
    let y = reference::float::rms_norm(&x, &vec![1.0; x.len()], 1e-5);
    let mean = y.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / y.len() as f64;
    assert!((mean - 1.0).abs() < 2e-7, "{mean}");
}

struct Exponentials<'a>(&'a mut [f32]);

impl FloatKernel for Exponentials<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) -> (f32, f32) {
        exponentials(floats, self.0)
    }
}

#[test]
fn exponentials_on_every_isa() {
    for n in LENGTHS {
        let x: Vec<f32> = numbers(4, n).iter().map(|x| x * 20.0).collect();
        let (expected, max) = reference::float::exponentials(&x);
        let exact: f64 = x.iter().map(|x| (f64::from(*x) - f64::from(max)).exp2()).sum();
        for isa in Isa::available() {
            let mut y = x.clone();
            y.resize(n.next_multiple_of(LANES), f32::NEG_INFINITY);
            let (found_max, sum) = floats::run(isa, Exponentials(&mut y));
            assert_same_bits(&y[..n], &expected, format_args!("{isa}, {n} elements"));
            assert!(y[n..].iter().all(|y| *y == 0.0) && found_max == max);
            assert!((f64::from(sum) - exact).abs() < 1e-6 * exact, "{isa}, {n} elements");
        }
    }
}

struct Exp2<'a>(&'a mut [f32]);

impl FloatKernel for Exp2<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        for x in self.0.as_chunks_mut::<LANES>().0 {
            floats.store(exp2(floats, floats.load(x)), x);
        }
    }
}

/// Down to zero, and what is no number.
#[test]
fn powers_of_two_on_every_isa() {
    let mut x: Vec<f32> = (-2080..2032).map(|i| i as f32 / 16.0).collect();
    x.extend([-126.0, -126.4, -126.5, -126.6, -127.0, -1e30, f32::NEG_INFINITY, 0.0, -0.0, 1e-30, -1e-40, 126.9]);
    x.resize(x.len().next_multiple_of(LANES), f32::NAN);
    let expected: Vec<f32> = x.iter().map(|&x| exp2_of(x)).collect();
    for isa in Isa::available() {
        let mut found = x.clone();
        floats::run(isa, Exp2(&mut found));
        for ((x, found), expected) in x.iter().zip(&found).zip(&expected) {
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{isa}, {x}: {found:e} instead of {expected:e}");
        }
    }
}

const GATES: [GateActivation; 3] = [GateActivation::Silu, GateActivation::ReluSquared, GateActivation::Gelu];

#[test]
fn gates_on_every_isa() {
    for (n, activation) in LENGTHS.into_iter().zip(GATES.repeat(5)) {
        let gate: Vec<f32> = numbers(5, n).iter().map(|x| x * 40.0).collect();
        let up = numbers(6, n);
        let expected = reference::float::gated(activation, &gate, &up);
        for isa in Isa::available() {
            let mut y = gate.clone();
            floats::run(isa, Gate { activation, gate: &mut y, up: &up });
            assert_same_bits(&y, &expected, format_args!("{activation:?} on {isa}, {n} elements"));
        }
        for ((found, gate), up) in expected.iter().zip(&gate).zip(&up) {
            let (gate, up) = (f64::from(*gate), f64::from(*up));
            let cubic = (2.0 / std::f64::consts::PI).sqrt() * (gate + 0.044715 * gate.powi(3));
            // An exponential has the error of its exponent besides its own, and is below any f32 somewhere.
            let (exact, ulps, smallest) = match activation {
                GateActivation::Silu => (gate / (1.0 + (-gate).exp()) * up, 4.0, 0.0),
                GateActivation::ReluSquared => (gate.max(0.0).powi(2) * up, 4.0, 0.0),
                GateActivation::Gelu => (gate * (1.0 + cubic.tanh()) / 2.0 * up, 4.0 + 4.0 * cubic.abs(), 1e-13),
            };
            assert!((f64::from(*found) - exact).abs() <= exact.abs() * ulps * f64::from(f32::EPSILON) + smallest);
        }
    }
}

#[test]
fn a_gate_passes_nan_on() {
    for activation in GATES {
        let mut gate = [f32::NAN];
        floats::run(Isa::Portable, Gate { activation, gate: &mut gate, up: &[1.0] });
        assert!(gate[0].is_nan());
    }
}

#[test]
fn addition_on_every_isa() {
    for isa in Isa::available() {
        let (mut x, y) = (numbers(7, 79), numbers(8, 79));
        let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
        floats::run(isa, Add { x: &mut x, y: &y });
        assert_same_bits(&x, &expected, isa);
    }
}

#[test]
fn rotation_on_every_isa_and_of_a_part_of_the_head() {
    for (head_dim, rotated) in [(2, 2), (6, 4), (64, 64), (80, 34)] {
        let table = RopeTable::new(inverse_frequencies(10_000.0, rotated, None), 70);
        let angles = table.angles(69);
        let (cos, sin) = angles.split_at(rotated / 2);
        let heads = numbers(9, 3 * head_dim);
        for pairing in [RopePairing::NeoX, RopePairing::Adjacent] {
            let rotate = |head| reference::float::rotate(head, pairing, cos, sin);
            let expected: Vec<f32> = heads.chunks_exact(head_dim).flat_map(rotate).collect();
            for isa in Isa::available() {
                let mut heads = heads.clone();
                floats::run(isa, Rotate { heads: &mut heads, head_dim, pairing, cos, sin });
                assert_same_bits(&heads, &expected, format_args!("{pairing:?} on {isa}, {rotated} of {head_dim}"));
            }
        }
    }
}

#[test]
fn both_pairings_of_one_head_rotate_to_the_same_bits() {
    let table = RopeTable::new(inverse_frequencies(10_000.0, 34, None), 12);
    let angles = table.angles(11);
    let (cos, sin) = angles.split_at(17);
    let (halves, rest) = (numbers(10, 34), numbers(11, 46));
    let (firsts, seconds) = halves.split_at(17);
    let adjacent: Vec<f32> = firsts.iter().zip(seconds).flat_map(|(a, b)| [*a, *b]).collect();
    for isa in Isa::available() {
        let rotated = |head: &[f32], pairing| {
            let mut heads = [head, &rest].concat();
            floats::run(isa, Rotate { heads: &mut heads, head_dim: 80, pairing, cos, sin });
            heads
        };
        assert_same_bits(&rotated(&adjacent, RopePairing::Adjacent), &rotated(&halves, RopePairing::NeoX), isa);
    }
}

#[test]
fn angles_are_those_of_f32_frequencies() {
    // theta = 10000^(-2i/8) is 1, 0.1, 0.01, 0.001; the factors divide them.
    let inverse = inverse_frequencies(10_000.0, 8, Some(&[1.0, 2.0, 4.0, 8.0]));
    for (found, expected) in inverse.iter().zip([1.0, 0.05, 0.0025, 0.000125]) {
        assert!((found - expected).abs() <= expected * f32::EPSILON, "{found} {expected}");
    }
    let table = RopeTable::new(inverse.clone(), 1000);
    for position in [0, 1, 63, 64, 999, 1024, 5000] {
        let angles = table.angles(position);
        let (cos, sin) = angles.split_at(4);
        for (i, inverse) in inverse.iter().enumerate() {
            let angle = position as f32 * inverse;
            assert_eq!((cos[i], sin[i]), (f64::from(angle).cos() as f32, f64::from(angle).sin() as f32));
        }
    }
}

/// A dot product in two segments.
struct Dot<'a>(&'a [f32], &'a [f32]);

impl FloatKernel for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) -> f32 {
        let cut = self.0.len() / 2 / LANES * LANES;
        let ((a, b), (x, y)) = (self.0.split_at(cut), self.1.split_at(cut));
        let mut lanes = [[[0.0; LANES]; 1]; 1];
        dot::accumulate(floats, [a], [x], &mut lanes);
        dot::accumulate(floats, [b], [y], &mut lanes);
        floats.sum(floats.load(&lanes[0][0]))
    }
}

#[test]
fn dot_products_have_one_order_in_segments() {
    for n in LENGTHS {
        let (row, vector) = (numbers(10, n), numbers(11, n));
        let expected = reference::float::dot(&row, &vector);
        for isa in Isa::available() {
            assert_same_bits(&[floats::run(isa, Dot(&row, &vector))], &[expected], format_args!("{isa}, {n} elements"));
        }
    }
}

struct Widen<'a>(&'a [u8], &'a mut [f32]);

impl FloatKernel for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        half_precision::widen(floats, self.0, self.1);
    }
}

#[test]
fn every_half_widens_as_the_half_crate_says() {
    let halves: Vec<half::f16> = (0..=u16::MAX).map(half::f16::from_bits).chain([half::f16::ONE; 5]).collect();
    let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
    let expected: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
    for isa in Isa::available() {
        let mut values = vec![0.0; halves.len()];
        floats::run(isa, Widen(&bytes, &mut values));
        assert_same_bits(&values, &expected, isa);
    }
}

#[test]
fn halves_round_to_nearest_even() {
    let cases = [(1.0, 0x3c00), (1.0 + 1.0 / 2048.0, 0x3c00), (1.0 + 3.0 / 2048.0, 0x3c02), (65519.0, 0x7bff)];
    for (value, bits) in cases.into_iter().chain([(65520.0, 0x7c00), (-2.0f32.powi(-24), 0x8001), (1e-8, 0)]) {
        let mut half = [[0; 2]];
        half_precision::narrow(&[value], &mut half);
        assert_eq!(u16::from_le_bytes(half[0]), bits, "{value}");
    }
}

struct MulAdd<'a>(&'a [[f32; 3]], &'a mut Vec<f32>);

impl FloatKernel for MulAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        for terms in self.0.as_chunks::<LANES>().0 {
            let [a, b, c] = [0, 1, 2].map(|i| floats.load(&terms.map(|terms| terms[i])));
            let mut sums = [0.0; LANES];
            floats.store(floats.mul_add(a, b, c), &mut sums);
            self.1.extend(sums);
        }
    }
}

/// Sums near the middle of two numbers, normal and subnormal, whose second rounding would go the wrong way; and against
/// the machine's or the library's operation any numbers, and sums that nearly cancel.
#[test]
fn products_and_sums_are_rounded_once() {
    let mut random = ChaCha8Rng::seed_from_u64(21);
    let mut any = move || f32::from_bits(random.next_u32());
    let tiny = f32::from_bits(1);
    // 1 + 2^-36, so that products are that much above the middle of what they are added to; and 1 - 2^-46.
    let (above, inverse) = (1.0 + 2.0_f32.powi(-12), 1.0 - 2.0_f32.powi(-12) + 2.0_f32.powi(-24));
    let (below, half) = (1.0 - f32::EPSILON, 2.0_f32.powi(-24));
    let (next, low, subnormal) = (1.0 + f32::EPSILON, 2.0_f32.powi(-75), 2.0_f32.powi(-130));
    let known = [
        ([above, inverse * half, 1.0], next),
        ([above, -inverse * half, -1.0], -next),
        ([next, below * half, next], next),
        ([-next, below * half, -next], -next),
        ([above * low, inverse * low, subnormal], subnormal + tiny),
        ([next * low, below * low, subnormal + tiny], subnormal + tiny),
        ([tiny, tiny, -0.0], 0.0),
    ];
    // Some libraries round subnormal results twice where the machine has no instruction. The compiler does not, and
    // must not compute this.
    let exact = std::hint::black_box(known).iter().all(|([a, b, c], sum)| a.mul_add(*b, *c) == *sum);
    let mut terms = known.map(|(terms, _)| terms).to_vec();
    terms.extend([
        [f32::MAX, 2.0, f32::NEG_INFINITY],
        [f32::MAX, 1.0, 2.0_f32.powi(103)],
        [f32::MAX, 1.0, 2.0_f32.powi(103) - 2.0_f32.powi(79)],
        [f32::INFINITY, 0.0, 1.0],
        [-0.0, 1.0, 0.0],
        [-0.0, 1.0, -0.0],
    ]);
    for _ in 0..20_000 {
        let (a, b, c) = (any(), any(), any());
        let mantissa = |x: f32| f32::from_bits(x.to_bits() & 0x007f_ffff | 0x3f80_0000);
        terms.extend([[a, b, c], [a, b, -(a * b)], [mantissa(a), mantissa(b), mantissa(c) * 2.0_f32.powi(24)]]);
        let scale = 2.0_f32.powi(-75);
        terms.push([mantissa(a) * scale, mantissa(b) * scale, mantissa(c) * 2.0_f32.powi(-127)]);
    }
    terms.resize(terms.len().next_multiple_of(LANES), [0.0; 3]);
    for isa in Isa::available() {
        let mut found = Vec::new();
        floats::run(isa, MulAdd(&terms, &mut found));
        for ((terms, sum), found) in known.iter().zip(&found) {
            assert_eq!(found.to_bits(), sum.to_bits(), "{isa}, {terms:?}: {found:e} instead of {sum:e}");
        }
        for (terms @ [a, b, c], found) in terms.iter().zip(&found) {
            let expected = a.mul_add(*b, *c);
            if !exact && expected.abs() <= f32::MIN_POSITIVE {
                continue;
            }
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{isa}, {terms:?}: {found:e} instead of {expected:e}");
        }
    }
}
