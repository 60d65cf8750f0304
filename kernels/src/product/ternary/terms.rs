//! The terms of a ternary product that are not codes of weights: activations, sums, scales.
//!
//! What belongs here: one form for all combinations of activation mode and weight scales, as the table of
//! [`crate::product::ternary`] lists them, and the last steps of its arithmetic. What does not: integer dot products.

use alloc::borrow::Cow;
use core::iter;

use super::Unpack;
use crate::activations::{BLOCK, BlockRows, Int8Rows, QuantizedRows};
use crate::machine::Machine;
use crate::machine::outputs::Output;
use crate::packing::{Coded, Packed, Scales, block_scale};
use crate::simd::floats::{Floats, LANES};
use crate::simd::fused::mul_add_one;
use crate::simd::{Simd, Vector};

/// Rows that kernels finish together.
pub(super) const TILE: usize = 16;

/// Adds `dots` to `sums`. By value, as the compiler cannot tell references apart and would not take vectors of them.
#[inline(always)]
pub(super) fn add<const N: usize>(sums: &mut [i32; N], dots: &[i32; N]) {
    let (mut next, dots) = (*sums, *dots);
    for i in 0..N {
        next[i] += dots[i];
    }
    *sums = next;
}

/// The sums of codes in segments, which are whole blocks of `quantized` or divide them.
fn sums_of(quantized: &QuantizedRows, segment: usize) -> Cow<'_, [i32]> {
    let block = quantized.block();
    if segment == block {
        return Cow::Borrowed(quantized.block_sums());
    }
    let sum = |codes: &[i8]| codes.iter().map(|&code| i32::from(code)).sum();
    quantized.codes().chunks_exact(segment).map(sum).collect()
}

/// The activations of a product and the scales around its integer sums.
pub(crate) struct Terms<'a> {
    /// Codes of all tokens.
    codes: &'a [i8],
    /// The same in the order in which the matrix has its columns.
    in_order: &'a [i8],
    stride: usize,
    tokens: usize,
    /// Sums of the activation codes, `[tokens, segments]`.
    sums: Cow<'a, [i32]>,
    /// Columns of a segment, which divide the stride.
    segment: usize,
    /// Segments of the stride: kernels ask for each token and segment, and a division takes as long as a product.
    segments: usize,
    /// `dx`, `[tokens, segments]`; 1 where absent.
    factors: Option<Cow<'a, [f32]>>,
    /// `dw` where it does not come from the blocks.
    weight_factor: Option<f32>,
    /// `s`, by token; 1 where absent.
    divisors: Option<&'a [f32]>,
    scale: f32,
    multiplier: f32,
}

impl<'a> Terms<'a> {
    /// The terms of a product of `matrix` with activations that have one scale for each token.
    pub(crate) fn int8<P: Unpack>(cpu: &Machine, x: &'a Int8Rows, matrix: &Packed<P>) -> Self {
        let quantized = x.quantized();
        let (sums, segment, weight_factor, scale) = match matrix.shared() {
            Scales::Tensor(scale) => (Cow::Borrowed(x.sums()), quantized.stride(), Some(1.0), scale),
            Scales::Blocks => (sums_of(quantized, P::BLOCK), P::BLOCK, None, 1.0),
        };
        Terms {
            codes: quantized.codes(),
            in_order: quantized.in_order(cpu, P::ORDER),
            stride: quantized.stride(),
            tokens: quantized.rows(),
            sums,
            segment,
            segments: quantized.stride() / segment,
            factors: None,
            weight_factor,
            divisors: Some(x.scales()),
            scale,
            multiplier: matrix.multiplier(),
        }
    }

    /// The terms of a product of `matrix` with activations that have one scale for each block of columns.
    pub(crate) fn blocks<P: Unpack>(cpu: &Machine, x: &'a BlockRows, matrix: &Packed<P>) -> Self {
        let quantized = x.quantized();
        let (segment, weight_factor) = match matrix.shared() {
            Scales::Tensor(scale) => (quantized.block(), Some(scale)),
            Scales::Blocks => (quantized.block().min(P::BLOCK), None),
        };
        let factors = match quantized.block() / segment {
            1 => Cow::Borrowed(x.scales()),
            times => x.scales().iter().flat_map(|&scale| iter::repeat_n(scale, times)).collect(),
        };
        Terms {
            codes: quantized.codes(),
            in_order: quantized.in_order(cpu, P::ORDER),
            stride: quantized.stride(),
            tokens: quantized.rows(),
            sums: sums_of(quantized, segment),
            segment,
            segments: quantized.stride() / segment,
            factors: Some(factors),
            weight_factor,
            divisors: None,
            scale: 1.0,
            multiplier: matrix.multiplier(),
        }
    }

    /// Terms with all scales 1, for codes that quantization does not give.
    #[cfg(test)]
    pub(super) fn of_codes(codes: &'a [i8], stride: usize, sums: &'a [i32]) -> Self {
        Terms {
            codes,
            in_order: codes,
            stride,
            tokens: sums.len(),
            sums: Cow::Borrowed(sums),
            segment: stride,
            segments: 1,
            factors: None,
            weight_factor: Some(1.0),
            divisors: None,
            scale: 1.0,
            multiplier: 1.0,
        }
    }

    /// Codes of all tokens, token after token.
    pub(super) fn codes(&self) -> &'a [i8] {
        self.codes
    }

    /// Codes of all tokens, token after token, in the order in which the matrix has its columns.
    pub(super) fn in_order(&self) -> &'a [i8] {
        self.in_order
    }

    /// Codes of a token, padding included: a multiple of 256.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Number of tokens.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Number of segments, those of padding included.
    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    /// Columns of a segment.
    pub(super) fn segment(&self) -> usize {
        self.segment
    }

    /// `dw` where it is the same in all blocks.
    pub(super) fn weight_factor(&self) -> Option<f32> {
        self.weight_factor
    }

    /// Whether all columns are one segment, and `dw` is the same in all rows.
    pub(super) fn has_one_factor(&self) -> bool {
        self.segments() == 1 && self.weight_factor.is_some()
    }

    /// `dw` of one segment of some rows.
    #[inline(always)]
    pub(super) fn weight_factors<P: Coded, const ROWS: usize>(
        &self,
        rows: &[&[u8]; ROWS],
        segment: usize,
    ) -> [f32; ROWS] {
        match self.weight_factor {
            Some(factor) => [factor; ROWS],
            None => {
                let mut factors = [0.0; ROWS];
                for (factor, row) in factors.iter_mut().zip(rows) {
                    *factor = block_scale::<P>(&row[segment * P::BLOCK_BYTES..][..P::BLOCK_BYTES], 0.0);
                }
                factors
            }
        }
    }

    /// `dw` of one segment of [`TILE`] rows, which are blocks of one segment each.
    #[inline(always)]
    pub(super) fn weight_factors_of<V: Vector, P: Coded>(
        &self,
        simd: Simd<V>,
        rows: &[&[u8]; TILE],
        segment: usize,
    ) -> [f32; TILE] {
        let (Some(at), None) = (P::SCALE_OFFSET, self.weight_factor) else {
            return [self.weight_factor.unwrap_or(0.0); TILE];
        };
        let mut halves = [[0; 2]; LANES];
        for (half, row) in halves.iter_mut().zip(rows) {
            let scale = &row[segment * P::BLOCK_BYTES + at..];
            *half = [scale[0], scale[1]];
        }
        let floats = V::floats(simd);
        let mut factors = [0.0; TILE];
        floats.store(floats.load_f16(&halves.as_flattened().as_chunks().0[0]), &mut factors);
        factors
    }

    /// The sum of the activation codes of a segment for one token, and `dx`.
    #[inline(always)]
    pub(super) fn sum_and_factor(&self, token: usize, segment: usize) -> (i32, f32) {
        let at = token * self.segments + segment;
        (self.sums[at], self.factors.as_ref().map_or(1.0, |factors| factors[at]))
    }

    /// [`Terms::add_segment`] of one row, for segments of any length: in those of less than 256 columns the product is
    /// rounded together with the sum.
    #[inline(always)]
    pub(super) fn add_any(&self, acc: &mut [f32; 1], dot: i32, weight_factor: f32, token: usize, segment: usize) {
        if self.segment >= BLOCK {
            return self.add_segment(acc, &[dot], &[weight_factor], token, segment);
        }
        let (sum, factor) = self.sum_and_factor(token, segment);
        acc[0] = mul_add_one((dot - sum) as f32, factor * weight_factor, acc[0]);
    }

    /// Adds segment `segment` to the accumulators of some rows for one token: `dots` are the sums of `c * q`.
    #[inline(always)]
    pub(super) fn add_segment<const ROWS: usize>(
        &self,
        acc: &mut [f32; ROWS],
        dots: &[i32; ROWS],
        weight_factors: &[f32; ROWS],
        token: usize,
        segment: usize,
    ) {
        let (sum, factor) = self.sum_and_factor(token, segment);
        // Values and not references, which the compiler could not tell apart: so that it takes vectors of them.
        let (mut next, dots, weight_factors) = (*acc, *dots, *weight_factors);
        for row in 0..ROWS {
            next[row] += (dots[row] - sum) as f32 * (factor * weight_factors[row]);
        }
        *acc = next;
    }

    /// The outputs of some rows for one token from their accumulators; writes all of `y`, which has at
    /// most `ROWS`.
    #[inline(always)]
    pub(super) fn finish<const ROWS: usize>(&self, acc: &[f32; ROWS], token: usize, y: &mut [Output]) {
        let divisor = self.divisors.map_or(1.0, |divisors| divisors[token]);
        let (scale, multiplier) = (self.scale, self.multiplier);
        // Nearly always all rows: a loop whose length is known becomes vectors.
        if let Some(y) = y.first_chunk_mut::<ROWS>() {
            for row in 0..ROWS {
                y[row].put(acc[row] / divisor * scale * multiplier);
            }
        } else {
            for (y, acc) in y.iter_mut().zip(acc) {
                y.put(acc / divisor * scale * multiplier);
            }
        }
    }
}
