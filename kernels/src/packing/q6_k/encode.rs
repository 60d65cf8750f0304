//! Rounding f32 values to Q6_K: scales that fit best by weighted least squares.
//!
//! For each group of sixteen values, twenty scales are tried; the best makes `sum x^2 (x - s l)^2` least, for the codes
//! `l = clamp(round(x / s), -32, 31)` that the tried scale gives. The scales of the sixteen groups are then rounded to
//! eight bits and the codes computed anew. All in f32, in the order of the source, nothing fused; a lane holds a group.
//!
//! Source: `quantize_row_q6_K_ref` and `make_qx_quants` of llama.cpp's `ggml-quants.c`.

use half::f16;

use super::{Q6K, ZERO};
use crate::activations::round;
use crate::packing::FromFloat;

/// Values of a group, and groups of a block.
const GROUP: usize = 16;

/// One number for each group.
type Groups = [f32; GROUP];

/// The least magnitude that is not taken for zero.
const EPSILON: f32 = 1e-15;

/// The largest magnitude that a block holds: the largest half-precision number times the largest scale and code.
const LARGEST: f32 = 65504.0 * 128.0 * 32.0;

/// `scale * code`, the sums of `x^2 x l` and of `x^2 l^2` of one try.
#[derive(Clone, Copy)]
struct Sums {
    products: Groups,
    squares: Groups,
}

/// `clamp(round(x * inverse), -32, 31)`.
#[inline(always)]
fn code(x: f32, inverse: f32) -> i32 {
    round(x * inverse).clamp(-32, 31)
}

/// The values of a block, value `i` of all groups together.
#[inline(always)]
fn transpose(values: &[f32; 256]) -> [Groups; GROUP] {
    let mut x = [[0.0; GROUP]; GROUP];
    for (g, group) in values.as_chunks::<GROUP>().0.iter().enumerate() {
        for i in 0..GROUP {
            x[i][g] = group[i];
        }
    }
    x
}

/// The value of largest magnitude of each group, the first of equals.
#[inline(always)]
fn largest(x: &[Groups; GROUP]) -> Groups {
    let mut largest = [0.0_f32; GROUP];
    for x in x {
        for g in 0..GROUP {
            largest[g] = if x[g].abs() > largest[g].abs() { x[g] } else { largest[g] };
        }
    }
    largest
}

/// The sums of the codes that `inverse` gives.
#[inline(always)]
fn sums(x: &[Groups; GROUP], inverse: &Groups) -> Sums {
    let mut sums = Sums { products: [0.0; GROUP], squares: [0.0; GROUP] };
    for x in x {
        for g in 0..GROUP {
            let l = code(x[g], inverse[g]) as f32;
            let weight = x[g] * x[g];
            sums.products[g] += weight * x[g] * l;
            sums.squares[g] += weight * l * l;
        }
    }
    sums
}

/// The best scale of each group, and the inverse of the tried scale whose codes it is best for.
#[inline(always)]
fn fit(x: &[Groups; GROUP], largest: &Groups) -> (Groups, Groups) {
    let mut divisor = [1.0; GROUP];
    let mut inverses = [0.0; GROUP];
    for g in 0..GROUP {
        divisor[g] = if largest[g].abs() < EPSILON { 1.0 } else { largest[g] };
        inverses[g] = -32.0 / divisor[g];
    }
    let Sums { products, squares } = sums(x, &inverses);
    let (mut scales, mut best) = ([0.0; GROUP], [0.0; GROUP]);
    for g in 0..GROUP {
        scales[g] = if squares[g] == 0.0 { 0.0 } else { products[g] / squares[g] };
        best[g] = scales[g] * products[g];
    }
    for step in (-9..=9).filter(|&step| step != 0) {
        let mut tried = [0.0; GROUP];
        for g in 0..GROUP {
            tried[g] = -(32.0 + 0.1 * step as f32) / divisor[g];
        }
        let Sums { products, squares } = sums(x, &tried);
        for g in 0..GROUP {
            let better = squares[g] > 0.0 && products[g] * products[g] > best[g] * squares[g];
            let scale = products[g] / squares[g];
            scales[g] = if better { scale } else { scales[g] };
            best[g] = if better { scale * products[g] } else { best[g] };
            inverses[g] = if better { tried[g] } else { inverses[g] };
        }
    }
    for g in 0..GROUP {
        scales[g] = if largest[g].abs() < EPSILON { 0.0 } else { scales[g] };
    }
    (scales, inverses)
}

/// The codes of a block from the fitted scales and the half-precision scale over them; the scales become those stored.
#[inline(always)]
fn codes(
    values: &[f32; 256],
    largest: &Groups,
    fitted: (Groups, Groups),
    d: (f32, f32),
    block: &mut [u8],
) -> [u8; 256] {
    let (scales, inverses) = fitted;
    let (inverse, d) = d;
    let mut codes = [0; 256];
    let groups = values.as_chunks::<GROUP>().0.iter().zip(codes.as_chunks_mut::<GROUP>().0);
    for (g, (values, codes)) in groups.enumerate() {
        let stored = round(inverse * scales[g]).min(127);
        block[192 + g] = stored as u8;
        let scale = d * stored as f32;
        for (code, value) in codes.iter_mut().zip(values) {
            // A group whose scale is zero keeps the codes of its fit; they do not count.
            let rounded = if scale == 0.0 { value * inverses[g] } else { value / scale };
            *code = (round(rounded).clamp(-32, 31) + i32::from(ZERO)) as u8;
        }
        if largest[g].abs() < EPSILON && scale == 0.0 {
            codes.fill(0);
        }
    }
    codes
}

/// One block; it is zero already.
#[inline(always)]
fn encode_block(values: &[f32; 256], block: &mut [u8; 210]) {
    let x = transpose(values);
    let largest = largest(&x);
    if largest.iter().any(|value| value.abs() > LARGEST) {
        block[208..].copy_from_slice(&f16::INFINITY.to_le_bytes());
        return;
    }
    let fitted = fit(&x, &largest);
    let mut scale = 0.0_f32;
    for &candidate in &fitted.0 {
        scale = if candidate.abs() > scale.abs() { candidate } else { scale };
    }
    let inverse = -128.0 / scale;
    let d = f16::from_f32(1.0 / inverse);
    if scale.abs() < EPSILON || d == f16::ZERO {
        return;
    }
    let codes = codes(values, &largest, fitted, (inverse, d.to_f32()), block);
    for (half, codes) in codes.as_chunks::<128>().0.iter().enumerate() {
        let (a, b, c, d) = (&codes[..32], &codes[32..64], &codes[64..96], &codes[96..]);
        for l in 0..32 {
            block[64 * half + l] = a[l] & 15 | c[l] << 4;
            block[64 * half + 32 + l] = b[l] & 15 | d[l] << 4;
            block[128 + 32 * half + l] = a[l] >> 4 | b[l] >> 4 << 2 | c[l] >> 4 << 4 | d[l] >> 4 << 6;
        }
    }
    block[208..].copy_from_slice(&d.to_le_bytes());
}

impl FromFloat for Q6K {
    #[inline(always)]
    fn encode(values: &[f32], blocks: &mut [u8]) {
        for (values, block) in values.as_chunks().0.iter().zip(blocks.as_chunks_mut().0) {
            *block = [0; 210];
            encode_block(values, block);
        }
    }
}
