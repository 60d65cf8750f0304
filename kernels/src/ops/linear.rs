//! Embedding, linear layers and the head.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::cpu::Cpu;
use crate::matrix::Matrix;
use crate::packing::{Packed, Packing};
use crate::quantize::ActivationRows;
use crate::shortlist::{LargestProducts, Shortlist};
use trine_shapes::{Affine, Axis, Idx, Normed, OutputNorm, RowMajor, Tensor, View, Weight};

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

impl Affine for Matrix {
    fn with_bias(self, bias: Box<[f32]>) -> Matrix {
        Matrix::set_bias(self, bias)
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

/// A tensor that is about to meet weights: f32 values and their quantized forms, which are made when a matrix first
/// asks for them and then shared. The query, key and value projections quantize their input once.
///
/// ```
/// use trine_kernels::Activations;
/// use trine_shapes::*;
///
/// fn once<T: Axis, M: Model>(x: Tensor<f32, (T, Hidden<M>)>) -> Activations<T, Hidden<M>> {
///     Activations::new(x)
/// }
/// ```
/// What may be quantized is no tensor of values any more:
/// ```compile_fail,E0308
/// # use trine_kernels::Activations;
/// # use trine_shapes::*;
/// fn twice<T: Axis, M: Model>(x: Tensor<f32, (T, Hidden<M>)>) -> Activations<T, Hidden<M>> {
///     Activations::new(Activations::new(x))
/// }
/// ```
#[derive(Debug)]
pub struct Activations<T, I> {
    rows: ActivationRows,
    shape: (T, I),
}

impl<T: Axis, I: Axis> Activations<T, I> {
    /// Takes a tensor; nothing is computed yet.
    pub fn new(x: Tensor<f32, (T, I)>) -> Self {
        let shape = x.shape();
        Activations { rows: ActivationRows::new(shape.1.len(), x.into_data()), shape }
    }

    /// The axes.
    pub fn shape(&self) -> (T, I) {
        self.shape
    }

    /// The f32 values, row-major.
    pub fn values(&self) -> &[f32] {
        self.rows.values()
    }
}

impl Cpu {
    /// The rows of `table` that `ids` name: `(T,) -> (T, H)`, in f32.
    ///
    /// ```
    /// use trine_kernels::{Cpu, Matrix};
    /// use trine_shapes::*;
    ///
    /// type Table<M> = Weight<Matrix, Vocab<M>, Hidden<M>>;
    /// fn embed<M: Model>(cpu: &Cpu, ids: View<Idx<Vocab<M>>, (Fixed<8>,)>, table: &Table<M>) {
    ///     cpu.embed(ids, table);
    /// }
    /// ```
    /// Numbers that nobody compared with the vocabulary are no ids:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Cpu, Matrix};
    /// # use trine_shapes::*;
    /// # type Table<M> = Weight<Matrix, Vocab<M>, Hidden<M>>;
    /// fn embed<M: Model>(cpu: &Cpu, ids: View<u32, (Fixed<8>,)>, table: &Table<M>) {
    ///     cpu.embed(ids, table);
    /// }
    /// ```
    pub fn embed<T: Axis, V: Axis, H: Axis>(
        &self,
        ids: View<'_, Idx<V>, (T,)>,
        table: &Weight<Matrix, V, H>,
    ) -> Tensor<f32, (T, H)> {
        let ((tokens,), hidden) = (ids.shape(), table.input());
        let mut x = self.zeros((tokens, hidden));
        let rows = x.data_mut().chunks_exact_mut(hidden.len());
        let mut tasks: Vec<_> = ids.data().iter().zip(rows).collect();
        self.for_each(&mut tasks, |_, (id, row)| table.data().decode_row(id.get(), row));
        x
    }

    /// `y = W x + b` for every token: `(T, I) -> (T, O)`, in the activation mode of the matrix. `b` is the
    /// bias that the weight was given, if it was.
    ///
    /// Ternary matrices in the default mode compute, for each token, `s = 127 / max(absmax(x), 1e-5)`,
    /// `q = clamp(round(x s), -128, 127)`, `y = (sum(code q) - sum(q)) / s * scale`, where the sums are exact. Source:
    /// BitNet b1.58 (arXiv 2402.17764, section 2); `BitLinear` of HF transformers' `integrations/bitnet.py`.
    ///
    /// ```
    /// use trine_kernels::{Activations, Cpu, Matrix};
    /// use trine_shapes::*;
    ///
    /// type Residual<M> = Activations<Fixed<8>, Hidden<M>>;
    /// fn up<M: Model>(cpu: &Cpu, x: &Residual<M>, weight: &Weight<Matrix, Ffn<M>, Hidden<M>>) {
    ///     cpu.linear(x, weight);
    /// }
    /// ```
    /// The same matrix the other way round takes another axis:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Activations, Cpu, Matrix};
    /// # use trine_shapes::*;
    /// # type Residual<M> = Activations<Fixed<8>, Hidden<M>>;
    /// fn up<M: Model>(cpu: &Cpu, x: &Residual<M>, weight: &Weight<Matrix, Hidden<M>, Ffn<M>>) {
    ///     cpu.linear(x, weight);
    /// }
    /// ```
    pub fn linear<T: Axis, I: Axis, O: Axis>(
        &self,
        x: &Activations<T, I>,
        weight: &Weight<Matrix, O, I>,
    ) -> Tensor<f32, (T, O)> {
        self.product(x, weight)
    }

    /// `logits = W x` with a head `W` that has the axes of an embedding, and may be the embedding itself:
    /// `(T, Normed<OutputNorm, H>) -> (T, V)`.
    pub fn logits<T: Axis, V: Axis, H: Axis>(
        &self,
        x: &Activations<T, Normed<OutputNorm, H>>,
        head: &Weight<Matrix, V, H>,
    ) -> Tensor<f32, (T, V)> {
        self.product(x, head)
    }

    /// For each token the `count` largest of [`Cpu::logits`], those equal to them and some others, with the same
    /// bits ([`Cpu::largest_products`]).
    ///
    /// # Panics
    /// If `count` is 0, or the shortlist was made of another matrix.
    pub fn largest_logits<T: Axis, V: Axis, H: Axis>(
        &self,
        x: &Activations<T, Normed<OutputNorm, H>>,
        head: &Weight<Matrix, V, H>,
        shortlist: &Weight<Shortlist, V, H>,
        count: usize,
    ) -> Tensor<LargestProducts, (T,)> {
        Tensor::from_data((x.shape.0,), self.largest_products(&x.rows, head.data(), shortlist.data(), count))
    }

    fn product<T: Axis, I: Axis, O: Axis, J: Axis>(
        &self,
        x: &Activations<T, I>,
        weight: &Weight<Matrix, O, J>,
    ) -> Tensor<f32, (T, O)> {
        Tensor::from_data((x.shape.0, weight.out()), self.products(&x.rows, weight.data()))
    }
}
