//! The product for activations whose blocks are smaller than the groups of the weights, or in parts of them: Q8_0's.
//!
//! What belongs here: one way for every packing of codes, at the speed at which the compiler makes vectors of loops. It
//! is there to compare with programs that compute so, and for matrices that the other kernels do not take.

use core::ops::Range;

use super::Terms;
use super::terms::TILE;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::packing::{Coded, MAX_BLOCK, Packed, Scales, block_codes, block_scale};
use crate::simd::{Kernel, Simd, Vector};

/// The product of some rows with all tokens.
pub(super) struct Product<'a, P: Coded> {
    pub(super) matrix: &'a Packed<P>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: ColumnsMut<'a, Output>,
}

impl<P: Coded> Kernel for Product<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(mut self, _: Simd<V>) {
        let terms = self.terms;
        for row in 0..self.outputs.width() {
            for first in (0..terms.tokens()).step_by(TILE) {
                let tokens = first..terms.tokens().min(first + TILE);
                let acc = self.products(self.first_row + row, tokens.clone());
                for (acc, token) in acc.iter().zip(tokens) {
                    terms.finish(acc, token, &mut self.outputs.row(token)[row..row + 1]);
                }
            }
        }
    }
}

impl<P: Coded> Product<'_, P> {
    /// The accumulators of a row for up to [`TILE`] tokens.
    #[inline(always)]
    fn products(&self, row: usize, tokens: Range<usize>) -> [[f32; 1]; TILE] {
        let Product { matrix, terms, .. } = self;
        let segment = terms.segment();
        let tensor = if let Scales::Tensor(scale) = matrix.shared() { scale } else { 0.0 };
        let (mut acc, mut dots, mut codes) = ([[0.0]; TILE], [0; TILE], [0; MAX_BLOCK]);
        for (number, block) in matrix.row_blocks(row).iter().enumerate() {
            block_codes::<P>(block, &mut codes[..P::BLOCK]);
            let factor = terms.weight_factor().unwrap_or_else(|| block_scale::<P>(block, tensor));
            // A segment is part of a block, or whole blocks.
            for (part, codes) in codes[..P::BLOCK].chunks(segment).enumerate() {
                let start = number * P::BLOCK + part * segment;
                let end = start + codes.len();
                for (i, token) in tokens.clone().enumerate() {
                    dots[i] += dot(codes, &terms.codes()[token * terms.stride() + start..][..codes.len()]);
                    if end.is_multiple_of(segment) || end >= matrix.cols() {
                        terms.add_any(&mut acc[i], core::mem::take(&mut dots[i]), factor, token, start / segment);
                    }
                }
            }
        }
        acc
    }
}

/// The sum of code times activation.
#[inline(always)]
fn dot(codes: &[u8], activations: &[i8]) -> i32 {
    codes.iter().zip(activations).map(|(&code, &q)| i32::from(code) * i32::from(q)).sum()
}
