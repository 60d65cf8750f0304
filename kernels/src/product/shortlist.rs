//! The largest products of a float matrix, found by a coarse copy of it and computed exactly.
//!
//! Of the logits of a vocabulary only the largest matter to what is generated. A coarse copy with eight bits a weight
//! is read in full; of the matrix itself, twice or four times as large, only the rows that can still be among the
//! largest. What is left out is proven to be smaller, so the largest products are those of [`Machine::matmul`], bit for
//! bit.
//!
//! What belongs here: the bound, and the choice of rows. What does not: products ([`crate::product::dense`]).
//!
//! # The bound
//!
//! With `w` a row of the matrix, `v` of the copy, `x` the activations and `z` their 16-bit form, `|w.x - v.z|` is at
//! most `|v - w| |z| + |w| |z - x|`, in Euclidean norms, by the Cauchy-Schwarz inequality. Sums in f32 of `n` rounded
//! terms are off by at most `g(n) = n u / (1 - n u)` of the sum of magnitudes, `u = 2^-24` (Higham, Accuracy and
//! Stability of Numerical Algorithms, 2nd edition, section 3.1), which is at most the product of both norms. So both
//! products as they are computed differ by at most
//!
//! ```text
//! |v - w| |z| + |w| |z - x| + g(n) |w| |x| + g(n) |v| |z|
//! ```
//!
//! with `n` one for each addition and each other rounding that a term goes through: no more than `columns / 16 + 16`.
//! A number of [`Int16Rows`] is off by up to 0.52 of its step, its rounding in f32 included.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use crate::activations::{ActivationRows, BLOCK, INT16_FLOOR, Int16Rows};
use crate::machine::Machine;
use crate::machine::outputs::Output;
use crate::machine::scratch::scratch;
use crate::packing::{Packed, PackingError, Q8_0};
use crate::product::dense;
use crate::product::matrix::{AnyPacked, Matrix};
use crate::product::some_rows::RowProducts;
use trine_memory::product_of;

/// Rows whose largest lower bound is one candidate for the threshold.
const GROUP: usize = 64;

/// A coarse copy of a float matrix, and how far each of its rows is from it.
#[derive(Debug, Clone)]
pub struct Shortlist {
    coarse: Packed<Q8_0>,
    errors: Vec<RowError>,
}

/// Norms of a row, rounded up.
#[derive(Debug, Clone, Copy, Default)]
struct RowError {
    /// `|v - w|`
    difference: f32,
    /// `|w|`
    norm: f32,
}

/// The bound of a token's products: `difference * by_difference + norm * by_norm` of a row, all rounded up.
struct Bound {
    by_difference: f32,
    by_norm: f32,
}

impl RowError {
    fn of(row: &[f32], coarse: &[f32]) -> Self {
        let square = |value: f64| value * value;
        let norm: f64 = row.iter().map(|&w| square(w.into())).sum();
        let difference: f64 = row.iter().zip(coarse).map(|(&w, &v)| square(f64::from(w) - f64::from(v))).sum();
        // More than the rounding of these sums and that to f32.
        let up = |square: f64| (libm::sqrt(square) * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE;
        RowError { difference: up(difference), norm: up(norm) }
    }
}

impl Bound {
    /// For the activations `x`, whose 16-bit form has the steps `steps`.
    fn new(x: &[f32], steps: &[f32]) -> Self {
        let square = |value: f32| f64::from(value) * f64::from(value);
        let values = libm::sqrt(x.iter().map(|&x| square(x)).sum());
        // Blocks that the 16-bit form takes for zeros have values below its floor.
        let floor = libm::sqrt(x.len() as f64) * f64::from(INT16_FLOOR);
        let error = 0.52 * libm::sqrt(steps.iter().map(|&step| BLOCK as f64 * square(step)).sum()) + floor;
        let terms = (x.len() / 16 + 16) as f64 * f64::from(f32::EPSILON) / 2.0;
        let gamma = terms / (1.0 - terms);
        let rounded = values + error;
        // More than the rounding of these sums, that to f32, and that of the products in `of`.
        let up = |factor: f64| (factor * (1.0 + 1e-6)) as f32;
        Bound { by_difference: up(rounded * (1.0 + gamma)), by_norm: up(error + gamma * (values + rounded)) }
    }

    /// How far the product of a row may be from `coarse`, that of its copy, and a little more, so that both ends of the
    /// interval may be rounded to f32.
    #[inline(always)]
    fn of(&self, row: RowError, coarse: f32) -> f32 {
        let bound = row.difference * self.by_difference + row.norm * self.by_norm;
        // Products may be too small for an f32.
        bound * (1.0 + 1e-6) + coarse.abs() * f32::EPSILON * 2.0 + f32::MIN_POSITIVE
    }
}

impl Shortlist {
    /// The coarse copy of `matrix`, made in parallel; `done` is told the number of rows after some are, from any
    /// thread.
    ///
    /// Memory: 34 bytes for 32 weights and 8 for each row.
    ///
    /// # Errors
    /// [`PackingError::Shortlist`] where the matrix is not F32, F16 or BF16, so that a copy would read no less;
    /// [`PackingError::Columns`] where its columns are no multiple of 32.
    pub fn new(cpu: &Machine, matrix: &Matrix, done: impl Fn(usize) + Send + Sync) -> Result<Shortlist, PackingError> {
        if !matches!(matrix.packed(), AnyPacked::F32(_) | AnyPacked::F16(_) | AnyPacked::BF16(_)) {
            return Err(PackingError::Shortlist { packing: matrix.kind().name() });
        }
        let (rows, cols) = (matrix.rows(), matrix.cols());
        let fill = |row: usize, out: &mut [f32]| matrix.decode_row(row, out);
        let coarse = Packed::<Q8_0>::from_rows(cpu, rows, cols, fill, done)?;
        let mut errors = vec![RowError::default(); rows];
        let mut groups: Vec<_> = errors.chunks_mut(GROUP).collect();
        cpu.for_each(&mut groups, |group, errors| {
            let (mut exact, mut rounded) = (vec![0.0; cols], vec![0.0; cols]);
            for (row, error) in (group * GROUP..).zip(errors.iter_mut()) {
                matrix.decode_row(row, &mut exact);
                coarse.decode_row(row, &mut rounded);
                *error = RowError::of(&exact, &rounded);
            }
        });
        Ok(Shortlist { coarse, errors })
    }

    /// Number of rows: those of the matrix.
    pub fn rows(&self) -> usize {
        self.coarse.rows()
    }

    /// Number of columns: those of the matrix.
    pub fn cols(&self) -> usize {
        self.coarse.cols()
    }

    /// Bytes that a product reads for each token, besides the rows that it computes exactly.
    pub fn bytes(&self) -> usize {
        self.coarse.bytes().len() + size_of_val(&self.errors[..])
    }

    /// The rows of which some may be among the `count` largest, for one token, from the products `coarse` with the
    /// copy; `None` where these say nothing, since they are not finite.
    fn candidates(&self, coarse: &[f32], bound: &Bound, count: usize) -> Option<Vec<u32>> {
        let mut finite = true;
        // The largest lower bound of each group. Those of `count` groups are of as many rows, so no row below all of
        // them is wanted.
        let groups = coarse.chunks(GROUP).zip(self.errors.chunks(GROUP)).map(|(coarse, errors)| {
            let mut largest = f32::NEG_INFINITY;
            for (&y, &error) in coarse.iter().zip(errors) {
                let lower = y - bound.of(error, y);
                finite &= lower.is_finite();
                largest = if lower > largest { lower } else { largest };
            }
            largest
        });
        let mut lower: Vec<f32> = groups.collect();
        if !finite {
            return None;
        }
        let threshold = if count <= lower.len() {
            *lower.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a)).1
        } else {
            f32::NEG_INFINITY
        };
        let rows = (0..).zip(coarse.iter().zip(&self.errors));
        Some(rows.filter(|(_, (y, error))| **y + bound.of(**error, **y) >= threshold).map(|(row, _)| row).collect())
    }
}

scratch! {
    /// The memory of products with the copy, which the next product of the thread uses again.
    static COARSE: Vec<f32>;
}

impl Machine {
    /// For each row of activations, its products with `matrix` that are among the `count` largest, those equal to them,
    /// and some others: the bits of [`Machine::matmul`]. Where the activations are not finite, all of them.
    ///
    /// Shapes: `x` is `[tokens, cols]`, the result has an entry for each token. `shortlist` was made of `matrix`, in
    /// whose f32 mode the product is.
    ///
    /// # Panics
    /// If `count` is 0, or `x` or `shortlist` has other dimensions than the matrix.
    pub fn largest_products(
        &self,
        x: &ActivationRows,
        matrix: &Matrix,
        shortlist: &Shortlist,
        count: usize,
    ) -> Vec<RowProducts> {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        assert!(count > 0, "at least the largest product");
        assert_eq!((shortlist.rows(), shortlist.cols()), (rows, cols), "the shortlist of another matrix");
        assert_eq!(x.cols(), cols, "columns of the activations and of the matrix");
        let rounded: &Int16Rows = x.int16(self);
        let mut coarse = COARSE.take();
        coarse.resize(product_of(&[x.rows(), rows]), 0.0);
        dense::int16_product(self, rounded, &shortlist.coarse, Output::over(&mut coarse));
        let steps = rounded.stride() / BLOCK;
        let tokens = x.values().chunks_exact(cols).zip(rounded.scales().chunks_exact(steps));
        let largest = tokens.zip(coarse.chunks_exact(rows)).map(|((x, scales), coarse)| {
            match shortlist.candidates(coarse, &Bound::new(x, scales), count) {
                Some(rows) => {
                    let values =
                        self.float_products_of_rows(matrix, &rows, x).expect("a shortlist is of a float matrix");
                    RowProducts { rows, values }
                }
                None => {
                    let values = self.products(&ActivationRows::new(cols, x.to_vec()), matrix);
                    RowProducts { rows: (0..rows as u32).collect(), values: values.into_vec() }
                }
            }
        });
        let largest = largest.collect();
        COARSE.set(coarse);
        largest
    }
}
