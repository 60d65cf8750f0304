//! Matrices of low rank beside a weight, as adapters of models are.
//!
//! What belongs here: the two factors, and what they add to a product. What does not: the files that hold them.

use crate::cpu::Cpu;
use crate::weight::Weight;
use alloc::string::String;
use alloc::vec;
use core::marker::PhantomData;
use trine_kernels::{ActivationRows, Matrix, PackingError, PackingKind, slices};
use trine_shapes::{Axis, Made, ShapeError, Tensor, product_of};

/// What is added to a matrix that takes `In` to `Out`: `scale B A`, with `A` of `rank` rows of `In` values and `B` of
/// `Out` rows of `rank` values. The rank is no axis, as nothing but the two factors has it.
///
/// Source: Hu et al. 2021 (arXiv 2106.09685), equation 3.
///
/// The axes are those of the matrix, so that an adapter of the keys is none of the values, which are as wide:
/// ```
/// use trine_kernels::Matrix;
/// use trine_ops::{LowRank, Weight};
/// use trine_shapes::*;
///
/// type Projection<O, M> = Weight<Matrix, O, Normed<AttnNorm, Hidden<M>>>;
/// type Adapter<O, M> = LowRank<O, Normed<AttnNorm, Hidden<M>>>;
/// fn keys<M: Model>(weight: Projection<KvWidth<M>, M>, adapter: Adapter<KvWidth<M>, M>) {
///     weight.with_low_rank(adapter);
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_kernels::Matrix;
/// # use trine_ops::{LowRank, Weight};
/// # use trine_shapes::*;
/// # type Projection<O, M> = Weight<Matrix, O, Normed<AttnNorm, Hidden<M>>>;
/// # type Adapter<O, M> = LowRank<O, Normed<AttnNorm, Hidden<M>>>;
/// fn values<M: Model>(weight: Projection<Value<KvWidth<M>>, M>, adapter: Adapter<KvWidth<M>, M>) {
///     weight.with_low_rank(adapter);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct LowRank<Out, In> {
    /// `A`.
    down: Matrix,
    /// `B`.
    up: Matrix,
    scale: f32,
    axes: PhantomData<(Out, In)>,
}

/// Factors that are none of a matrix with the axes that it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowRankError {
    /// A factor is not as long as the axis of the matrix.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// One factor has another rank than the other.
    #[error("`{name}` has a first factor of rank {down} and a second one of rank {up}: both have one rank, at least 1")]
    Rank {
        /// What was checked.
        name: String,
        /// Rows of the first.
        down: usize,
        /// Columns of the second.
        up: usize,
    },
}

impl<Out: Made, In: Axis> LowRank<Out, In> {
    /// The one checked conversion of the factors `A` and `B` into an adapter of a matrix with these axes.
    ///
    /// # Errors
    /// [`LowRankError`] where the columns of `A` are not those of the matrix, the rows of `B` not its rows, or both
    /// have not one rank.
    pub fn check(name: &str, (down, up): (Matrix, Matrix), scale: f32, axes: (Out, In)) -> Result<Self, LowRankError> {
        ShapeError::check(name, &[up.rows(), down.cols()], axes)?;
        match (down.rows(), up.cols()) {
            (rank, same) if rank == same && rank > 0 => Ok(LowRank { down, up, scale, axes: PhantomData }),
            (down, up) => Err(LowRankError::Rank { name: name.into(), down, up }),
        }
    }

    /// The rank.
    pub fn rank(&self) -> usize {
        self.down.rows()
    }

    /// Adds `scale B A` to the elements of the matrix, row by row, in f32: for each rank one after the other.
    fn add_to_elements(&self, elements: &mut [f32]) {
        let (rank, cols) = (self.rank(), self.down.cols());
        let mut down = vec![0.0; rank * cols];
        down.chunks_exact_mut(cols).enumerate().for_each(|(row, to)| self.down.decode_row(row, to));
        let mut factors = vec![0.0; rank];
        for (row, to) in elements.chunks_exact_mut(cols).enumerate() {
            self.up.decode_row(row, &mut factors);
            for (factor, down) in factors.iter().zip(down.chunks_exact(cols)) {
                to.iter_mut().zip(down).for_each(|(to, value)| *to += self.scale * factor * value);
            }
        }
    }

    /// Adds `scale B (A x)` to `y`.
    pub(crate) fn add_to<T: Axis>(
        &self,
        cpu: &Cpu,
        x: &ActivationRows,
        mut y: Tensor<f32, (T, Out)>,
    ) -> Tensor<f32, (T, Out)> {
        let low = ActivationRows::new(self.rank(), cpu.products(x, &self.down));
        let mut added = cpu.products(&low, &self.up);
        added.iter_mut().for_each(|value| *value *= self.scale);
        slices::add_assign(cpu, y.assume_mut("a sum keeps its shape"), &added);
        y
    }
}

impl<Out: Made, In: Axis> Weight<Matrix, Out, In> {
    /// One matrix for a float matrix and those of low rank beside it, rounded to its type: `W + scale B A`. Without any
    /// beside it, it stays as it is.
    ///
    /// # Errors
    /// [`PackingError::NotFromFloat`] for a matrix of codes or blocks: its sum with another one is no such matrix, and
    /// rounding it to one would be another model. [`PackingError`] where a sum has no such float.
    pub fn merged(self, cpu: &Cpu) -> Result<Self, PackingError> {
        if self.low_rank().is_empty() {
            return Ok(self);
        }
        let matrix = self.data();
        let (kind, rows, cols) = (matrix.kind(), matrix.rows(), matrix.cols());
        if !matches!(kind, PackingKind::F32 | PackingKind::F16 | PackingKind::BF16) {
            return Err(PackingError::NotFromFloat { packing: kind.name() });
        }
        let mut elements = vec![0.0; product_of(&[rows, cols])];
        elements.chunks_exact_mut(cols).enumerate().for_each(|(row, to)| matrix.decode_row(row, to));
        self.low_rank().iter().for_each(|beside| beside.add_to_elements(&mut elements));
        let merged = Matrix::from_f32(cpu, kind, rows, cols, &elements)?;
        let merged = match matrix.bias() {
            Some(bias) => merged.with_bias(bias.into()),
            None => merged,
        };
        Ok(self.without_low_rank().map(|_| merged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Activations;
    use crate::weight::Bias;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use trine_shapes::Fixed;

    type Out = Fixed<5>;
    type In = Fixed<7>;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7 + seed) % 11) as f32 / 8.0 - 0.5).collect()
    }

    fn matrix(cpu: &Cpu, (rows, cols): (usize, usize), seed: usize) -> Matrix {
        Matrix::from_f32(cpu, PackingKind::F32, rows, cols, &values(rows * cols, seed)).unwrap()
    }

    fn adapter(cpu: &Cpu, rank: usize, scale: f32) -> LowRank<Out, In> {
        let factors = (matrix(cpu, (rank, 7), 1), matrix(cpu, (5, rank), 2));
        LowRank::check("adapter", factors, scale, (Fixed, Fixed)).unwrap()
    }

    /// `W x + b + sum of scale B A x`, in f64.
    fn expected(x: &[f32], ranks: &[(usize, f32)]) -> Vec<f64> {
        let of = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
        let (weight, x) = (of(values(35, 0)), of(x.to_vec()));
        let dot = |row: &[f64], x: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
        let mut y = Vec::new();
        for x in x.chunks(7) {
            for row in 0..5 {
                let beside = ranks.iter().map(|&(rank, scale)| {
                    let (down, up) = (of(values(rank * 7, 1)), of(values(5 * rank, 2)));
                    let low: Vec<f64> = down.chunks(7).map(|row| dot(row, x)).collect();
                    f64::from(scale) * dot(&up[row * rank..][..rank], &low)
                });
                y.push(dot(&weight[row * 7..][..7], x) + row as f64 + beside.sum::<f64>());
            }
        }
        y
    }

    #[test]
    fn products_are_those_of_the_sum_whether_it_is_merged_or_not() {
        let cpu = Cpu::new(Default::default()).unwrap();
        let weight = Weight::check("weight", matrix(&cpu, (5, 7), 0), (Fixed::<5>, Fixed::<7>)).unwrap();
        let weight = weight.with_bias(Bias::from_fn((Fixed, Fixed), |row| row as f32));
        let weight = weight.with_low_rank(adapter(&cpu, 3, 1.5)).with_low_rank(adapter(&cpu, 2, -0.25));
        let x = values(21, 5);
        let expected = expected(&x, &[(3, 1.5), (2, -0.25)]);
        let x = Activations::new(Tensor::from_data((Fixed::<3>, Fixed::<7>), x));
        let merged = weight.clone().merged(&cpu).unwrap();
        assert_eq!((weight.low_rank().len(), merged.low_rank().len()), (2, 0));
        for weight in [weight, merged] {
            let y = cpu.linear(&x, &weight);
            for (found, expected) in y.data().iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn factors_of_another_matrix_or_of_two_ranks_are_refused() {
        let cpu = Cpu::new(Default::default()).unwrap();
        let check = |down: (usize, usize), up: (usize, usize)| {
            let factors = (matrix(&cpu, down, 1), matrix(&cpu, up, 2));
            LowRank::check("a", factors, 1.0, (Fixed::<5>, Fixed::<7>)).unwrap_err().to_string()
        };
        assert_eq!(check((3, 5), (7, 3)), "`a` should be [Fixed = 5, Fixed = 7] but is [7, 5] (it looks transposed)");
        let ranks = "`a` has a first factor of rank 3 and a second one of rank 2: both have one rank, at least 1";
        assert_eq!(check((3, 7), (5, 2)), ranks);
    }
}
