//! Products of some rows of a matrix: those of the others are not wanted, and their weights are not read.
//!
//! What belongs here: the products. What does not: which rows are wanted
//! ([`shortlist`](super::shortlist), and whoever knows what may follow a text).

use alloc::vec;
use alloc::vec::Vec;

use super::dense;
use super::matrix::{AnyPacked, Matrix};
use crate::activations::ActivationRows;
use crate::machine::Machine;
use crate::machine::outputs::Output;

/// Products of some rows of a matrix with the activations of a token.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowProducts {
    /// The rows, ascending.
    pub rows: Vec<u32>,
    /// The product of each.
    pub values: Vec<f32>,
}

impl Machine {
    /// For each row of activations, its products with the rows `rows` of `matrix`: the bits of [`Machine::matmul`].
    ///
    /// Shapes: `x` is `[tokens, cols]`, the result has an entry for each token, and that a value for each of `rows`.
    ///
    /// The rows of a matrix that is not one of floats are copied first, so that it reads and writes their bytes twice:
    /// worth it where they are few.
    ///
    /// # Panics
    /// If `x` has another number of columns than the matrix, or a row is not in it.
    pub fn products_of_rows(&self, x: &ActivationRows, matrix: &Matrix, rows: &[u32]) -> Vec<RowProducts> {
        assert_eq!(x.cols(), matrix.cols(), "columns of the activations and of the matrix");
        if rows.is_empty() {
            return vec![RowProducts::default(); x.rows()];
        }
        let of_rows = |values: Vec<f32>| RowProducts { rows: rows.to_vec(), values };
        let floats = x.values().chunks_exact(x.cols()).map(|x| self.float_products_of_rows(matrix, rows, x));
        if let Some(products) = floats.collect::<Option<Vec<_>>>() {
            return products.into_iter().map(of_rows).collect();
        }
        let products = self.products(x, &matrix.of_rows(rows));
        products.chunks_exact(rows.len()).map(|values| of_rows(values.to_vec())).collect()
    }

    /// The products of some rows of a float matrix with a token, read where they lie; `None` of another matrix, or of
    /// one with a bias.
    pub(super) fn float_products_of_rows(&self, matrix: &Matrix, rows: &[u32], x: &[f32]) -> Option<Vec<f32>> {
        if matrix.bias().is_some() {
            return None;
        }
        let mut values = vec![0.0; rows.len()];
        let y = Output::over(&mut values);
        match matrix.packed() {
            AnyPacked::F32(packed) => dense::rows_product(self, packed, rows, x, y),
            AnyPacked::F16(packed) => dense::rows_product(self, packed, rows, x, y),
            AnyPacked::BF16(packed) => dense::rows_product(self, packed, rows, x, y),
            _ => return None,
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::{Coded, I2S, PackScales, Packed, Pq2_0, Ptq1_0, Q1_0, Q2_0, Tq1_0, Tq2_0, WeightScale};
    use crate::product::matrix::{ActivationMode, PackingKind};

    const ROWS: usize = 37;
    const COLS: usize = 512;
    const TOKENS: usize = 3;

    /// Codes that every packing has: a binary one has no 1.
    fn coded<P: Coded>() -> Matrix
    where
        Matrix: From<Packed<P>>,
    {
        let code = |i: usize| if P::HAS_ZERO { (i * i / 7 % 3) as u8 } else { (i * i / 7 % 2) as u8 * 2 };
        let codes: Vec<u8> = (0..ROWS * COLS).map(code).collect();
        Matrix::from(Packed::<P>::pack(ROWS, COLS, &codes, PackScales::One(0.375)).unwrap())
    }

    #[test]
    fn some_rows_have_the_bits_that_all_rows_have() {
        let cpu = Machine::new(crate::CpuOptions::default()).unwrap();
        let values: Vec<f32> = (0..ROWS * COLS).map(|i| ((i * 53 % 211) as f32 - 105.0) / 64.0).collect();
        let x = (0..TOKENS * COLS).map(|i| ((i * 37 % 101) as f32 - 50.0) / 16.0).collect::<Vec<f32>>();
        let x = ActivationRows::new(COLS, x);
        let dense = PackingKind::FROM_F32.map(|kind| Matrix::from_f32(&cpu, kind, ROWS, COLS, &values).unwrap());
        let codes = [coded::<I2S>(), coded::<Tq1_0>(), coded::<Tq2_0>(), coded::<Q2_0>(), coded::<Pq2_0>()];
        let matrices = dense.into_iter().chain(codes).chain([coded::<Ptq1_0>(), coded::<Q1_0>()]);
        for matrix in matrices {
            let biased = matrix.clone().with_multiplier(WeightScale::new(0.7).unwrap()).unwrap();
            let biased = biased.with_bias((0..ROWS).map(|row| row as f32 - 9.5).collect());
            let floats = matrix.clone().with_activation_mode(ActivationMode::F32).unwrap();
            for matrix in [matrix, biased, floats] {
                let all = cpu.products(&x, &matrix);
                for rows in [&[][..], &[36], &[0, 5, 6, 7, 8, 9, 11, 12, 20, 21, 36], &[3, 17]] {
                    let found = cpu.products_of_rows(&x, &matrix, rows);
                    assert_eq!(found.len(), TOKENS);
                    for (found, all) in found.iter().zip(all.chunks_exact(ROWS)) {
                        let expected: Vec<f32> = rows.iter().map(|&row| all[row as usize]).collect();
                        assert_eq!((&found.rows[..], &found.values), (rows, &expected), "{}", matrix.kind().name());
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "columns of the activations and of the matrix")]
    fn activations_of_another_length_are_refused() {
        let cpu = Machine::new(crate::CpuOptions::default()).unwrap();
        cpu.products_of_rows(&ActivationRows::new(256, vec![0.0; 256]), &coded::<I2S>(), &[1]);
    }
}
