//! The product for a few tokens where each block has a scale of its own for fewer than 256 columns.
//!
//! What belongs here: the terms of groups, and the loop over rows. What does not: groups themselves ([`tile`]).

mod tile;

use alloc::vec::Vec;

use self::tile::Tile;
use super::Unpack;
use super::gemv::ROWS;
use super::rows::Rows;
use super::terms::Terms;
use crate::machine::columns::ColumnsMut;
use crate::machine::outputs::Output;
use crate::simd::{Kernel, Simd, Vector};

/// The sums of the activations of each group of a token, and their scales, once for each row of a tile.
type OfGroups<'a> = (&'a [[i32; ROWS]], &'a [[f32; ROWS]]);

/// The terms of each group and token, once for each row of a tile: vectors of them are loads.
pub(super) struct GroupTerms {
    /// The sums of the activations, `[tokens][groups][rows]`.
    sums: Vec<[i32; ROWS]>,
    /// Their scales.
    factors: Vec<[f32; ROWS]>,
    /// Groups of a token, those of padding included.
    groups: usize,
}

impl GroupTerms {
    /// Those of a product with segments; none where all columns are one.
    pub(super) fn of(terms: &Terms<'_>) -> Self {
        let groups = if terms.has_one_factor() { 0 } else { terms.segments() };
        let all = (0..terms.tokens()).flat_map(|token| (0..groups).map(move |group| (token, group)));
        let (mut sums, mut factors): (Vec<_>, Vec<_>) = all
            .map(|(token, group)| terms.sum_and_factor(token, group))
            .map(|(sum, factor)| ([sum; ROWS], [factor; ROWS]))
            .unzip();
        sums.push([0; ROWS]);
        factors.push([0.0; ROWS]);
        GroupTerms { sums, factors, groups }
    }

    /// Those of a token, and one more of each: vectors are of two groups.
    #[inline(always)]
    fn token(&self, token: usize) -> OfGroups<'_> {
        let of_token = token * self.groups..(token + 1) * self.groups + 1;
        (&self.sums[of_token.clone()], &self.factors[of_token])
    }
}

/// The product of some rows with `T` tokens, which are all.
pub(super) struct Gemv<'a, P: Unpack, const T: usize> {
    pub(super) rows: &'a Rows<'a, P>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) group_terms: &'a GroupTerms,
    /// Activations of all tokens as [`super::gemv::Activations`] arranges them.
    pub(super) activations: &'a [i8],
    pub(super) first_row: usize,
    /// For each token, the outputs of the rows from `first_row` on.
    pub(super) outputs: ColumnsMut<'a, Output>,
}

impl<P: Unpack, const T: usize> Kernel for Gemv<'_, P, T> {
    type Output = ();
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(self, simd: Simd<V>) {
        let Gemv { rows, terms, group_terms, activations, first_row, mut outputs } = self;
        let width = outputs.width();
        let mut of_groups: [OfGroups<'_>; T] = [(&[], &[]); T];
        for (token, of_groups) in of_groups.iter_mut().enumerate() {
            *of_groups = group_terms.token(token);
        }
        for first in (0..width).step_by(ROWS) {
            let used = ROWS.min(width - first);
            // Rows beyond the last are the last: computed and dropped.
            let mut tile: [&[u8]; ROWS] = [&[]; ROWS];
            for (i, row) in tile.iter_mut().enumerate() {
                *row = rows.row(first_row + first + i.min(used - 1));
            }
            let tile = Tile::<P, T>::new(&tile, activations);
            let mut acc = [[0.0; ROWS]; T];
            if terms.has_one_factor() {
                let factors = [terms.weight_factor().unwrap_or(1.0); ROWS];
                for (token, acc) in acc.iter_mut().enumerate() {
                    terms.add_segment(acc, &tile.dots::<V>(simd, token), &factors, token, 0);
                }
            } else {
                tile.add_groups::<V>(simd, &of_groups, &mut acc);
            }
            for (token, acc) in acc.iter().enumerate() {
                terms.finish(acc, token, &mut outputs.row(token)[first..first + used]);
            }
        }
    }
}
