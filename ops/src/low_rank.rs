//! Matrices of low rank beside a weight, as adapters of models are.
//!
//! What belongs here: the two factors, and what they add to a product. What does not: the files that hold them.

use crate::cpu::Cpu;
use alloc::string::String;
use alloc::vec;
use core::marker::PhantomData;
use trine_kernels::{ActivationRows, Matrix, slices};
use trine_shapes::{Axis, Made, ShapeError, Tensor};

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
    pub(crate) fn add_to_elements(&self, elements: &mut [f32]) {
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
