//! Packed matrices and shortlists as the storage of weights.

use crate::cpu::Cpu;
use crate::weight::{Affine, RowMajor, Weight};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use trine_kernels::{Matrix, Packed, Packing, PackingError, PackingKind, Shortlist};
use trine_shapes::{Axis, Made, product_of};

impl RowMajor for Matrix {
    fn rows(&self) -> usize {
        Matrix::rows(self)
    }
    fn cols(&self) -> usize {
        Matrix::cols(self)
    }
}

impl RowMajor for Shortlist {
    fn rows(&self) -> usize {
        Shortlist::rows(self)
    }
    fn cols(&self) -> usize {
        Shortlist::cols(self)
    }
}

impl<P: Packing> RowMajor for Packed<P> {
    fn rows(&self) -> usize {
        Packed::rows(self)
    }
    fn cols(&self) -> usize {
        Packed::cols(self)
    }
}

impl Affine for Matrix {
    fn with_bias(self, bias: Box<[f32]>) -> Matrix {
        Matrix::with_bias(self, bias)
    }
}

impl<O: Made, I: Axis> Weight<Matrix, O, I> {
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

impl<O: Made, I: Axis> Weight<Matrix, O, I> {
    /// The matrix in f32 whose element at row-major position `i` is `element(i)`: initial weights, or those of a test.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Activations, Cpu, Weight};
    /// use trine_shapes::{Branch, Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let weight = Weight::from_fn((Branch::of(Fixed::<2>), Fixed::<3>), |i| i as f32);
    /// let x = Tensor::from_data((Fixed::<1>, Fixed::<3>), [1.0, 10.0, 100.0]);
    /// let y: Tensor<f32, (Fixed<1>, Branch<Fixed<2>>)> = cpu.linear(&Activations::new(x), &weight);
    /// assert_eq!(y.data(), [210.0, 543.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Its rows are what a matrix makes:
    /// ```compile_fail,E0277
    /// # use trine_ops::Weight;
    /// # use trine_shapes::*;
    /// let weight = Weight::from_fn((Normed::<AttnNorm, _>::of(Fixed::<2>), Fixed::<3>), |i| i as f32);
    /// ```
    ///
    /// # Panics
    /// If an axis has no index.
    pub fn from_fn(axes: (O, I), element: impl FnMut(usize) -> f32) -> Self {
        let (rows, cols) = (axes.0.len(), axes.1.len());
        let bytes: Vec<u8> = (0..product_of(&[rows, cols])).map(element).flat_map(f32::to_le_bytes).collect();
        let matrix = Matrix::new(PackingKind::F32, rows, cols, bytes.into()).expect("as many floats as elements");
        Weight::check("weight", matrix, axes).expect("a matrix of these lengths")
    }
}
