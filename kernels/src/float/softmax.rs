//! The exponentials of a softmax over some scores.

use super::exp::exp;
use crate::arch::floats::{Floats, LANES};

/// `x[i] = e^(x[i] - max)`, in place, in f32; returns the largest score and the sum of the exponentials.
///
/// The sum runs in sixteen lanes (element `i` in lane `i % 16`), which are then added as a balanced tree. Scores are
/// padded with negative infinity to whole lanes, which adds zeros. The largest score must be finite; else the sum is
/// NaN.
///
/// # Panics
/// If the scores are not whole lanes.
#[inline(always)]
pub(crate) fn exponentials<S: Floats>(floats: S, x: &mut [f32]) -> (f32, f32) {
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    assert!(rest.is_empty(), "scores fill whole lanes");
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks.iter() {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    let max = lanes.iter().copied().fold(f32::NEG_INFINITY, larger);
    let mut total = floats.splat(0.0);
    for chunk in chunks {
        for x in chunk.iter_mut() {
            *x = exp(*x - max);
        }
        total = floats.add(total, floats.load(chunk));
    }
    (max, floats.sum(total))
}
