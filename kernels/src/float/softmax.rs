//! Softmax of one row.

use super::exp::exp;
use crate::arch::floats::{Floats, LANES};

/// `x[i] = e^(x[i] - max) / sum_j e^(x[j] - max)`, in place, in f32.
///
/// The sum runs in sixteen lanes (element `i` in lane `i % 16`), which are then added as a balanced tree; every
/// element is divided by it. The row must not be empty and its largest element must be finite; else the result is NaN.
#[inline(always)]
pub(crate) fn softmax<S: Floats>(floats: S, x: &mut [f32]) {
    let largest = max(x);
    for x in x.iter_mut() {
        *x = exp(*x - largest);
    }
    let total = sum(floats, x);
    for x in x.iter_mut() {
        *x /= total;
    }
}

#[inline(always)]
fn max(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger)
}

#[inline(always)]
fn sum<S: Floats>(floats: S, x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let total = chunks.iter().fold(floats.splat(0.0), |total, chunk| floats.add(total, floats.load(chunk)));
    let mut lanes = [0.0; LANES];
    floats.store(total, &mut lanes);
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    floats.sum(floats.load(&lanes))
}
