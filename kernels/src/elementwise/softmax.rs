//! The exponentials of a softmax over some scores.

use super::exp::exp2;
use crate::simd::floats::{Floats, LANES};

/// `x[i] = 2^(x[i] - max)`, in place, in f32; returns the largest score and the sum of the exponentials.
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
    let mut lanes = floats.splat(f32::NEG_INFINITY);
    for chunk in chunks.iter() {
        lanes = floats.max(floats.load(chunk), lanes);
    }
    let max = floats.largest(lanes);
    let (mut total, lower) = (floats.splat(0.0), floats.splat(-max));
    for chunk in chunks {
        let exponential = exp2(floats, floats.add(floats.load(chunk), lower));
        floats.store(exponential, chunk);
        total = floats.add(total, exponential);
    }
    (max, floats.sum(total))
}
