//! The float operations of a transformer as plain loops, in the order of additions that the kernels keep.
//!
//! The exponential is the kernels' own; its accuracy is tested where it is defined.

use crate::attention::CHUNK;
use crate::elementwise::exp::{exp, exp2_of};
use crate::elementwise::pointwise::{GateActivation, gelu_exponent};
use crate::elementwise::rope::RopePairing;

/// Adds the numbers in sixteen lanes, number `i` in lane `i % 16`, then lanes 8, 4, 2 and 1 apart.
pub(super) fn lane_sum<T: Copy + Default + core::ops::Add<Output = T>>(numbers: impl Iterator<Item = T>) -> T {
    let mut lanes = [T::default(); 16];
    for (i, number) in numbers.enumerate() {
        lanes[i % 16] = lanes[i % 16] + number;
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            lanes[i] = lanes[i] + lanes[i + width];
        }
    }
    lanes[0]
}

/// `sum_i a[i] b[i]` in f32.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    lane_sum(a.iter().zip(b).map(|(a, b)| a * b))
}

/// `x * (1 / sqrt(mean(x^2) + eps)) * gain`, the factor computed in f64.
pub fn rms_norm(x: &[f32], gain: &[f32], eps: f32) -> Vec<f32> {
    let squares = lane_sum(x.iter().map(|&x| f64::from(x) * f64::from(x)));
    let factor = (1.0 / (squares / x.len() as f64 + f64::from(eps)).sqrt()) as f32;
    x.iter().zip(gain).map(|(x, gain)| x * factor * gain).collect()
}

/// `activation(gate) * up`.
pub fn gated(activation: GateActivation, gate: &[f32], up: &[f32]) -> Vec<f32> {
    let activate = |g: f32| match activation {
        GateActivation::Silu => g / (1.0 + exp(-g)),
        GateActivation::ReluSquared if g < 0.0 => 0.0,
        GateActivation::ReluSquared => g * g,
        GateActivation::Gelu => g / (1.0 + exp(-gelu_exponent(g))),
    };
    gate.iter().zip(up).map(|(g, up)| activate(*g) * up).collect()
}

/// Rotates the first `2 * cos.len()` elements of one head by the given angles, those of pair `i` to `i` and
/// `i + cos.len()`; the others stay.
pub fn rotate(head: &[f32], pairing: RopePairing, cos: &[f32], sin: &[f32]) -> Vec<f32> {
    let mut rotated = head.to_vec();
    for i in 0..cos.len() {
        let (a, b) = match pairing {
            RopePairing::NeoX => (i, i + cos.len()),
            RopePairing::Adjacent => (2 * i, 2 * i + 1),
        };
        rotated[i] = head[a] * cos[i] - head[b] * sin[i];
        rotated[i + cos.len()] = head[b] * cos[i] + head[a] * sin[i];
    }
    rotated
}

/// What a query got from the positions of some chunks: `sum_t 2^(s[t] - max) v[t]`, `max`, `sum_t 2^(s[t] - max)`.
pub(super) type Partial = (Vec<f32>, f32, f32);

/// Attention of one query head over the positions it sees: `softmax(query . keys^T / sqrt(n)) . values`.
///
/// `keys` and `values` hold one row of the length of `query` for each position. Chunks of 256 positions each have a
/// softmax of their own and are combined in order.
pub fn attend(query: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
    let n = query.len();
    let scale = (std::f64::consts::LOG2_E / (n as f64).sqrt()) as f32;
    let score = |key: &[f32]| query.iter().zip(key).fold(0.0, |sum, (q, k)| (q * scale).mul_add(*k, sum));
    let chunks = keys.chunks(CHUNK * n).zip(values.chunks(CHUNK * n));
    let partials = chunks.map(|(keys, values)| {
        let scores: Vec<f32> = keys.chunks_exact(n).map(score).collect();
        let (weights, max) = exponentials(&scores);
        (weighted(&weights, values, n), max, lane_sum(weights.iter().copied()))
    });
    let (values, _, sum) = partials.reduce(combine).expect("a query sees at least its own position");
    values.iter().map(|value| value / sum).collect()
}

/// `2^(x[i] - max)`, and `max`.
pub fn exponentials(x: &[f32]) -> (Vec<f32>, f32) {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (x.iter().map(|x| exp2_of(x - max)).collect(), max)
}

/// `sum_t weights[t] * values[t]` for ascending `t`, each product and its sum rounded once; rows of `n` elements.
fn weighted(weights: &[f32], values: &[f32], n: usize) -> Vec<f32> {
    let mut sums = vec![0.0; n];
    for (weight, value) in weights.iter().zip(values.chunks_exact(n)) {
        sums.iter_mut().zip(value).for_each(|(sum, value)| *sum = weight.mul_add(*value, *sum));
    }
    sums
}

pub(super) fn combine(a: Partial, b: Partial) -> Partial {
    let max = f32::max(a.1, b.1);
    let (old, new) = (exp2_of(a.1 - max), exp2_of(b.1 - max));
    let values = a.0.iter().zip(&b.0).map(|(a, b)| a * old + b * new).collect();
    (values, max, a.2 * old + b.2 * new)
}
