//! Products of dense matrices with f32 activations as plain loops.

use super::float::dot;

/// `y[t][r] = (weights[r] . x[t]) * multiplier`: `weights` is `[rows][cols]`, already decoded, `x` is `[tokens][cols]`.
pub fn product(weights: &[f32], multiplier: f32, x: &[f32], cols: usize) -> Vec<f32> {
    let mut y = Vec::new();
    for x in x.chunks_exact(cols) {
        for row in weights.chunks_exact(cols) {
            y.push(dot(x, row) * multiplier);
        }
    }
    y
}
