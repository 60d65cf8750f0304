//! Matrices that were multiplied with a rotation of their input, and the rotation that gives them what they expect.
//!
//! A folded matrix `W R^T` stands in a file in place of `W`, with `R` a block-diagonal Hadamard matrix behind signs, as
//! its values are easier to round than those of `W` (QuaRot, arXiv 2404.00456, section 4). What belongs here: the
//! rotation, as a part of a weight ([`Weight::with_fold`](crate::Weight::with_fold)) or of a table. What does not:
//! products, and which matrices of a file are folded.

use crate::cpu::Cpu;
use crate::parts::for_rows;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;
use trine_shapes::{Buffer, Plain};

/// What is wrong with a rotation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldError {
    /// A block that is not a power of two, or that does not divide the width.
    #[error("blocks of {block} do not fold a width of {width}: expected a power of two that divides it")]
    Block {
        /// Elements of a block.
        block: usize,
        /// Elements of a row.
        width: usize,
    },
    /// Signs that are not one for each element, or not -1 or 1.
    #[error("{found} signs for a width of {width}: expected one for each element, -1 or 1")]
    Signs {
        /// How many there are.
        found: usize,
        /// Elements of a row.
        width: usize,
    },
    /// Groups of elements that do not make up the width.
    #[error("{tiles} tiles of {heads} heads of {head} elements are not a width of {width}")]
    Heads {
        /// Tiles.
        tiles: usize,
        /// Heads of a tile.
        heads: usize,
        /// Elements of a head.
        head: usize,
        /// Elements of a row.
        width: usize,
    },
}

/// The rotation of rows as wide as `A`: signs, then a Hadamard transform of each block, divided by the root of its
/// length. It is its own inverse but for the order of both.
///
/// Clones are the same rotation: activations that several weights with it meet are rotated once.
#[derive(Clone, Debug)]
pub struct Fold<A> {
    table: Arc<FoldTable>,
    axis: PhantomData<A>,
}

impl<A: Plain> Fold<A> {
    /// The rotation of rows of an axis, with a sign for each element, or 1 for all.
    ///
    /// # Errors
    /// [`FoldError`] where block, signs and width do not fit.
    pub fn new(axis: A, block: usize, signs: Option<&[f32]>) -> Result<Self, FoldError> {
        let width = axis.len();
        if !block.is_power_of_two() || !width.is_multiple_of(block) {
            return Err(FoldError::Block { block, width });
        }
        let is_sign = |sign: &f32| sign.abs() == 1.0;
        let signs = match signs {
            Some(signs) if signs.len() != width || !signs.iter().all(is_sign) => {
                return Err(FoldError::Signs { found: signs.len(), width });
            }
            signs => signs.map(<[f32]>::to_vec),
        };
        Ok(Fold { table: Arc::new(FoldTable { block, signs, heads: None }), axis: PhantomData })
    }

    /// The same behind another order of heads: element groups that lie in tiles, `[tiles][heads][head]`, are brought
    /// into `[heads][tiles][head]` first.
    ///
    /// # Errors
    /// [`FoldError::Heads`] where these are not the width.
    pub fn of_tiles(self, axis: A, (tiles, heads, head): (usize, usize, usize)) -> Result<Self, FoldError> {
        let width = axis.len();
        if tiles.checked_mul(heads).and_then(|all| all.checked_mul(head)) != Some(width) {
            return Err(FoldError::Heads { tiles, heads, head, width });
        }
        let FoldTable { block, signs, .. } = &*self.table;
        let table = FoldTable { block: *block, signs: signs.clone(), heads: Some((tiles, heads, head)) };
        Ok(Fold { table: Arc::new(table), axis: PhantomData })
    }

    pub(crate) fn table(self) -> Arc<FoldTable> {
        self.table
    }
}

/// A rotation, whatever its axis.
#[derive(Debug)]
pub(crate) struct FoldTable {
    block: usize,
    signs: Option<Vec<f32>>,
    heads: Option<(usize, usize, usize)>,
}

impl FoldTable {
    /// Rows of `width` elements, rotated.
    pub(crate) fn fold(&self, cpu: &Cpu, rows: &[f32], width: usize) -> Buffer<f32> {
        let mut folded = cpu.zeros(rows.len());
        let cost = self.block * (1 + self.block.ilog2() as usize);
        for_rows(cpu, &mut folded, self.block, cost, |block, to| {
            let first = block * self.block;
            for (offset, to) in to.iter_mut().enumerate() {
                let (row, at) = ((first + offset) / width, (first + offset) % width);
                let sign = self.signs.as_ref().map_or(1.0, |signs| signs[at]);
                *to = sign * rows[row * width + self.from(at)];
            }
            transform(to);
        });
        folded
    }

    /// Takes the rotation back, in place.
    pub(crate) fn unfold(&self, cpu: &Cpu, rows: &mut [f32], width: usize) {
        let cost = self.block * (1 + self.block.ilog2() as usize);
        for_rows(cpu, rows, self.block, cost, |block, row| {
            transform(row);
            if let Some(signs) = &self.signs {
                let first = block * self.block % width;
                row.iter_mut().zip(&signs[first..]).for_each(|(x, sign)| *x *= sign);
            }
        });
    }

    /// Where an element comes from.
    fn from(&self, at: usize) -> usize {
        match self.heads {
            None => at,
            Some((tiles, heads, head)) => {
                let (group, element) = (at / head, at % head);
                ((group % tiles) * heads + group / tiles) * head + element
            }
        }
    }
}

/// The product with the Hadamard matrix in natural order, divided by the root of its size: sums and differences of
/// pairs 1, 2, 4 and so on apart.
fn transform(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for pair in x.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = (1.0 / libm::sqrt(x.len() as f64)) as f32;
    x.iter_mut().for_each(|x| *x *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_shapes::Fixed;

    fn cpu() -> Cpu {
        Cpu::new(Default::default()).unwrap()
    }

    fn folded<const N: usize>(block: usize, signs: Option<&[f32]>, x: &[f32]) -> Vec<f32> {
        let fold = Fold::new(Fixed::<N>, block, signs).unwrap();
        fold.table().fold(&cpu(), x, N).to_vec()
    }

    #[test]
    fn blocks_are_transformed_in_natural_order() {
        assert_eq!(folded::<4>(4, None, &[1.0, 2.0, 3.0, 4.0]), [5.0, -1.0, -2.0, 0.0]);
        let found = folded::<8>(8, None, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        let expected = [7.0, -1.0, -2.0, 0.0, -4.0, 0.0, 0.0, 0.0].map(|sum| sum * core::f32::consts::SQRT_2);
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-4), "{found:?}");
        // Signs come first, and two blocks know nothing of each other.
        let signs = [1.0, -1.0, 1.0, -1.0];
        let negated = folded::<4>(2, None, &[1.0, -3.0, 2.0, -2.0]);
        assert_eq!(folded::<4>(2, Some(&signs), &[1.0, 3.0, 2.0, 2.0]), negated);
    }

    /// Every block length against the definition, and back.
    #[test]
    fn the_transform_is_that_of_the_definition_and_its_own_inverse() {
        const WIDTH: usize = 96;
        let x: Vec<f32> = (0..2 * WIDTH).map(|i| ((i * i * 7 + 3 * i) % 41) as f32 / 8.0 - 2.0).collect();
        let signs: Vec<f32> = (0..WIDTH).map(|i| if i * i % 5 < 2 { -1.0 } else { 1.0 }).collect();
        for block in [1, 2, 4, 8, 16, 32] {
            let fold = Fold::new(Fixed::<WIDTH>, block, Some(&signs)).unwrap();
            let mut found = fold.clone().table().fold(&cpu(), &x, WIDTH).to_vec();
            for (at, found) in found.iter().enumerate() {
                let first = at / block * block;
                let term = |j: usize| {
                    let odd = ((at - first) & j).count_ones() % 2 == 1;
                    let value = f64::from(x[first + j] * signs[(first + j) % WIDTH]);
                    if odd { -value } else { value }
                };
                let expected = (0..block).map(term).sum::<f64>() / (block as f64).sqrt();
                assert!((f64::from(*found) - expected).abs() < 1e-5, "block {block}");
            }
            fold.table().unfold(&cpu(), &mut found, WIDTH);
            assert!(found.iter().zip(&x).all(|(found, x)| (found - x).abs() < 1e-5), "block {block}");
        }
    }

    #[test]
    fn tiles_of_heads_become_groups() {
        let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let fold = Fold::new(Fixed::<12>, 1, None).unwrap().of_tiles(Fixed, (3, 2, 2)).unwrap();
        let found = fold.table().fold(&cpu(), &x, 12).to_vec();
        // Head `tile * 2 + k` comes to `k * 3 + tile`.
        assert_eq!(found, [0.0, 1.0, 4.0, 5.0, 8.0, 9.0, 2.0, 3.0, 6.0, 7.0, 10.0, 11.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |block, signs| Fold::new(Fixed::<12>, block, signs).unwrap_err().to_string();
        assert_eq!(error(3, None), "blocks of 3 do not fold a width of 12: expected a power of two that divides it");
        assert_eq!(error(8, None), "blocks of 8 do not fold a width of 12: expected a power of two that divides it");
        assert_eq!(error(4, Some(&[1.0; 11])), "11 signs for a width of 12: expected one for each element, -1 or 1");
        assert_eq!(error(4, Some(&[0.5; 12])), "12 signs for a width of 12: expected one for each element, -1 or 1");
        let tiles = Fold::new(Fixed::<12>, 4, None).unwrap().of_tiles(Fixed, (2, 2, 2)).unwrap_err();
        assert_eq!(tiles.to_string(), "2 tiles of 2 heads of 2 elements are not a width of 12");
    }
}
