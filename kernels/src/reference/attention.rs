//! Attention over a cache of signed bytes as plain loops.

use super::float::{combine, exponentials, lane_sum};
use crate::attention::CHUNK;

/// A row of integers, and what one of them is worth.
struct Codes {
    codes: Vec<i32>,
    step: f32,
}

/// `codes[i] = round(x[i] * (max / absmax))`, half to even; `step = absmax / max`. Zeros where `absmax` is below 1e-30.
fn quantize(x: &[f32], max: f32) -> Codes {
    let absmax = x.iter().fold(0.0, |absmax: f32, x| absmax.max(x.abs()));
    let (step, inverse) = if absmax >= 1e-30 { (absmax / max, max / absmax) } else { (0.0, 0.0) };
    Codes { codes: x.iter().map(|x| (x * inverse).round_ties_even() as i32).collect(), step }
}

/// Attention of one query head over the positions it sees, with keys and values rounded to one byte for each element
/// and one scale for each position, and with the query and the weights of each chunk rounded to 16 bits.
///
/// `keys` and `values` hold one row of the length of `query` for each position; all are finite.
pub fn attend_int8(query: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
    let n = query.len();
    let scale = (std::f64::consts::LOG2_E / (n as f64).sqrt()) as f32;
    let scaled: Vec<f32> = query.iter().map(|q| q * scale).collect();
    let most = f32::min(32767.0, (f64::from(i32::MAX) / (127.0 * n as f64)).floor() as f32);
    let query = quantize(&scaled, most);
    let chunks = keys.chunks(CHUNK * n).zip(values.chunks(CHUNK * n));
    let partials = chunks.map(|(keys, values)| {
        let score = |key: &[f32]| {
            let key = quantize(key, 127.0);
            let sum: i32 = query.codes.iter().zip(&key.codes).map(|(q, k)| q * k).sum();
            sum as f32 * (query.step * key.step)
        };
        let scores: Vec<f32> = keys.chunks_exact(n).map(score).collect();
        let (weights, max) = exponentials(&scores);
        let values: Vec<Codes> = values.chunks_exact(n).map(|value| quantize(value, 127.0)).collect();
        let scaled: Vec<f32> = weights.iter().zip(&values).map(|(weight, value)| weight * value.step).collect();
        let scaled = quantize(&scaled, 32767.0);
        let element = |d: usize| -> f32 {
            let sum: i32 = scaled.codes.iter().zip(&values).map(|(weight, value)| weight * value.codes[d]).sum();
            sum as f32 * scaled.step
        };
        ((0..n).map(element).collect(), max, lane_sum(weights.iter().copied()))
    });
    let (values, _, sum) = partials.reduce(combine).expect("a query sees at least its own position");
    values.iter().map(|value| value / sum).collect()
}
