//! Embedding, linear layers and the head.

use crate::cpu::Cpu;
use crate::fold::FoldTable;
#[cfg(doc)]
use crate::low_rank::LowRank;
use crate::table::{Embedding, Head};
use crate::weight::Weight;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;
use trine_kernels::{ActivationRows, Matrix, RowProducts, Shortlist, slices};
use trine_shapes::{Axis, Idx, Made, Normed, OutputNorm, Tensor, View, product_of};

/// A tensor that is about to meet weights: f32 values and their quantized forms, which are made when a matrix first
/// asks for them and then shared. The query, key and value projections quantize their input once.
///
/// ```
/// use trine_ops::Activations;
/// use trine_shapes::*;
///
/// fn once<T: Axis, M: Model>(x: Tensor<f32, (T, Hidden<M>)>) -> Activations<T, Hidden<M>> {
///     Activations::new(x)
/// }
/// ```
/// What may be quantized is no tensor of values any more:
/// ```compile_fail,E0308
/// # use trine_ops::Activations;
/// # use trine_shapes::*;
/// fn twice<T: Axis, M: Model>(x: Tensor<f32, (T, Hidden<M>)>) -> Activations<T, Hidden<M>> {
///     Activations::new(Activations::new(x))
/// }
/// ```
#[derive(Debug)]
pub struct Activations<T, I> {
    rows: Arc<ActivationRows>,
    shape: (T, I),
    /// What folded matrices get of them, made when the first one asks for it.
    folded: OnceBox<Folded>,
}

/// Rows under a rotation.
#[derive(Debug)]
struct Folded {
    by: Arc<FoldTable>,
    rows: ActivationRows,
}

impl Folded {
    fn new(cpu: &Cpu, rows: &ActivationRows, by: &Arc<FoldTable>) -> Self {
        let folded = by.fold(cpu, rows.values(), rows.cols());
        Folded { by: by.clone(), rows: ActivationRows::new(rows.cols(), folded) }
    }
}

impl<T: Axis, I: Axis> Activations<T, I> {
    /// Takes a tensor; nothing is computed yet.
    pub fn new(x: Tensor<f32, (T, I)>) -> Self {
        let shape = x.shape();
        let rows = Arc::new(ActivationRows::new(shape.1.len(), x.into_data()));
        Activations { rows, shape, folded: OnceBox::new() }
    }

    /// The same rows, and what was made of them, as those of an axis with as many indices: all of the tokens under
    /// another name.
    pub(crate) fn shared<U: Axis>(&self, tokens: U) -> Activations<U, I> {
        debug_assert_eq!(tokens.len(), self.shape.0.len(), "an index for each row");
        Activations { rows: self.rows.clone(), shape: (tokens, self.shape.1), folded: OnceBox::new() }
    }

    /// The axes.
    pub fn shape(&self) -> (T, I) {
        self.shape
    }

    /// The f32 values, row-major.
    pub fn values(&self) -> &[f32] {
        self.rows.values()
    }

    /// What `body` makes of the rows that a matrix with this rotation meets. All matrices with one rotation share them.
    fn with_rows<R>(&self, cpu: &Cpu, fold: Option<&Arc<FoldTable>>, body: impl FnOnce(&ActivationRows) -> R) -> R {
        let Some(by) = fold else { return body(&self.rows) };
        let shared = self.folded.get_or_init(|| Box::new(Folded::new(cpu, &self.rows, by)));
        if Arc::ptr_eq(&shared.by, by) {
            return body(&shared.rows);
        }
        body(&Folded::new(cpu, &self.rows, by).rows)
    }
}

impl Cpu {
    /// The rows of `table` that `ids` name: `(T,) -> (T, H)`, in f32.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Cpu, Embedding};
    /// use trine_shapes::*;
    ///
    /// type Table<M> = Embedding<Matrix, Vocab<M>, Hidden<M>>;
    /// fn embed<M: Model>(cpu: &Cpu, ids: View<Idx<Vocab<M>>, (Fixed<8>,)>, table: &Table<M>) {
    ///     cpu.embed(ids, table);
    /// }
    /// ```
    /// Numbers that nobody compared with the vocabulary are no ids:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Cpu, Embedding};
    /// # use trine_shapes::*;
    /// # type Table<M> = Embedding<Matrix, Vocab<M>, Hidden<M>>;
    /// fn embed<M: Model>(cpu: &Cpu, ids: View<u32, (Fixed<8>,)>, table: &Table<M>) {
    ///     cpu.embed(ids, table);
    /// }
    /// ```
    pub fn embed<T: Axis, V: Axis, H: Axis>(
        &self,
        ids: View<'_, Idx<V>, (T,)>,
        table: &Embedding<Matrix, V, H>,
    ) -> Tensor<f32, (T, H)> {
        let ((tokens,), hidden) = (ids.shape(), table.hidden());
        let mut x = self.zeros(product_of(&[tokens.len(), hidden.len()]));
        slices::embed(self, ids.data().iter().map(|id| id.get()), table.data(), &mut x);
        if let Some(fold) = table.fold() {
            fold.unfold(self, &mut x, hidden.len());
        }
        Tensor::assume((tokens, hidden), x, "the rows of the tokens")
    }

    /// `y = W x + b` for every token: `(T, I) -> (T, O)`, in the activation mode of the matrix. `b` is the
    /// bias that the weight was given, if it was; so are matrices of low rank beside it ([`LowRank`]). A weight with a
    /// norm of its own input normalises each token first.
    ///
    /// Ternary matrices in the default mode compute, for each token, `s = 127 / max(absmax(x), 1e-5)`,
    /// `q = clamp(round(x s), -128, 127)`, `y = (sum(code q) - sum(q)) / s * scale`, where the sums are exact. Source:
    /// BitNet b1.58 (arXiv 2402.17764, section 2); `BitLinear` of HF transformers' `integrations/bitnet.py`.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Activations, Cpu, Weight};
    /// use trine_shapes::*;
    ///
    /// type Residual<M> = Activations<Fixed<8>, Hidden<M>>;
    /// fn up<M: Model>(cpu: &Cpu, x: &Residual<M>, weight: &Weight<Matrix, Ffn<M>, Hidden<M>>) {
    ///     cpu.linear(x, weight);
    /// }
    /// ```
    /// The same matrix the other way round takes another axis:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Activations, Cpu, Weight};
    /// # use trine_shapes::*;
    /// # type Residual<M> = Activations<Fixed<8>, Hidden<M>>;
    /// fn up<M: Model>(cpu: &Cpu, x: &Residual<M>, weight: &Weight<Matrix, Hidden<M>, Ffn<M>>) {
    ///     cpu.linear(x, weight);
    /// }
    /// ```
    pub fn linear<T: Axis, I: Axis, O: Made>(
        &self,
        x: &Activations<T, I>,
        weight: &Weight<Matrix, O, I>,
    ) -> Tensor<f32, (T, O)> {
        let y = match weight.input_norm() {
            None => x.with_rows(self, weight.fold(), |rows| self.products(rows, weight.data())),
            Some(norm) => {
                let normed = slices::rms_norm(self, x.values(), &norm.gains, norm.epsilon);
                let normed = Activations {
                    rows: Arc::new(ActivationRows::new(x.rows.cols(), normed)),
                    shape: x.shape,
                    folded: OnceBox::new(),
                };
                normed.with_rows(self, weight.fold(), |rows| self.products(rows, weight.data()))
            }
        };
        let y = Tensor::assume((x.shape.0, weight.out()), y, "the product with a weight has the axis of its rows");
        weight.low_rank().iter().fold(y, |y, beside| beside.add_to(self, &x.rows, y))
    }

    /// [`Cpu::linear`] of each pair of activations and weight, in their order and with the same bits. Threads take
    /// whole products, so that many small ones start together: that is worth it where there are at least as many
    /// products as threads.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Activations, Cpu, Weight};
    /// use trine_shapes::*;
    ///
    /// type Residual<M> = Activations<Fixed<1>, Hidden<M>>;
    /// fn both<M: Model>(cpu: &Cpu, x: &Residual<M>, weights: [&Weight<Matrix, Ffn<M>, Hidden<M>>; 2]) {
    ///     cpu.linears(&weights.map(|weight| (x, weight)));
    /// }
    /// ```
    /// Matrices of different rows make no list:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Activations, Cpu, Weight};
    /// # use trine_shapes::*;
    /// # type Residual<M> = Activations<Fixed<1>, Hidden<M>>;
    /// fn both<M: Model>(
    ///     cpu: &Cpu,
    ///     x: &Residual<M>,
    ///     up: &Weight<Matrix, Ffn<M>, Hidden<M>>,
    ///     value: &Weight<Matrix, KvWidth<M>, Hidden<M>>,
    /// ) {
    ///     cpu.linears(&[(x, up), (x, value)]);
    /// }
    /// ```
    pub fn linears<T: Axis, I: Axis, O: Made>(
        &self,
        products: &[(&Activations<T, I>, &Weight<Matrix, O, I>)],
    ) -> Vec<Tensor<f32, (T, O)>> {
        let mut made: Vec<_> = products.iter().map(|_| None).collect();
        self.for_each(&mut made, |index, made| {
            let (x, weight) = products[index];
            *made = Some(self.linear(x, weight));
        });
        made.into_iter().flatten().collect()
    }

    /// `logits = W x` with the head `W`: `(T, Normed<OutputNorm, H>) -> (T, V)`.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Activations, Cpu, Head};
    /// use trine_shapes::*;
    ///
    /// type Output<M> = Head<Matrix, Vocab<M>, Hidden<M>>;
    /// type Final<M> = Activations<Fixed<8>, Normed<OutputNorm, Hidden<M>>>;
    /// fn logits<M: Model>(cpu: &Cpu, x: &Final<M>, head: &Output<M>) {
    ///     cpu.logits(x, head);
    /// }
    /// ```
    /// A head is no layer, which would not ask for the norm:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Activations, Cpu, Head};
    /// # use trine_shapes::*;
    /// # type Output<M> = Head<Matrix, Vocab<M>, Hidden<M>>;
    /// fn logits<M: Model>(cpu: &Cpu, x: &Activations<Fixed<8>, Hidden<M>>, head: &Output<M>) {
    ///     cpu.linear(x, head);
    /// }
    /// ```
    pub fn logits<T: Axis, V: Axis, H: Axis>(
        &self,
        x: &Activations<T, Normed<OutputNorm, H>>,
        head: &Head<Matrix, V, H>,
    ) -> Tensor<f32, (T, V)> {
        let logits = x.with_rows(self, head.fold(), |rows| self.products(rows, head.data()));
        Tensor::assume((x.shape.0, head.vocab()), logits, "a logit for each token")
    }

    /// For each token of `x` those of [`Cpu::logits`] that the tokens `of` have, with the same bits
    /// ([`trine_kernels::Machine::products_of_rows`]); the rows of the head that belong to others are not read.
    ///
    /// ```
    /// use trine_kernels::Matrix;
    /// use trine_ops::{Activations, Cpu, Head};
    /// use trine_shapes::*;
    ///
    /// type Output<M> = Head<Matrix, Vocab<M>, Hidden<M>>;
    /// type Final<M> = Activations<Fixed<8>, Normed<OutputNorm, Hidden<M>>>;
    /// fn some<M: Model>(cpu: &Cpu, x: &Final<M>, head: &Output<M>, of: &[Idx<Vocab<M>>]) {
    ///     cpu.logits_of(x, head, of);
    /// }
    /// ```
    /// Tokens of another vocabulary have no rows in the head:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Activations, Cpu, Head};
    /// # use trine_shapes::*;
    /// # type Output<M> = Head<Matrix, Vocab<M>, Hidden<M>>;
    /// # type Final<M> = Activations<Fixed<8>, Normed<OutputNorm, Hidden<M>>>;
    /// fn some<M: Model, N: Model>(cpu: &Cpu, x: &Final<M>, head: &Output<M>, of: &[Idx<Vocab<N>>]) {
    ///     cpu.logits_of(x, head, of);
    /// }
    /// ```
    pub fn logits_of<T: Axis, V: Axis, H: Axis>(
        &self,
        x: &Activations<T, Normed<OutputNorm, H>>,
        head: &Head<Matrix, V, H>,
        of: &[Idx<V>],
    ) -> Tensor<RowProducts, (T,)> {
        let rows: Vec<u32> = of.iter().map(|token| token.get() as u32).collect();
        let logits = x.with_rows(self, head.fold(), |x| self.products_of_rows(x, head.data(), &rows));
        Tensor::assume((x.shape.0,), logits, "some logits for each token")
    }

    /// For each token the `count` largest of [`Cpu::logits`], those equal to them and some others, with the same
    /// bits ([`trine_kernels::Machine::largest_products`]).
    ///
    /// # Panics
    /// If `count` is 0, or the shortlist was made of another matrix.
    pub fn largest_logits<T: Axis, V: Axis, H: Axis>(
        &self,
        x: &Activations<T, Normed<OutputNorm, H>>,
        head: &Head<Matrix, V, H>,
        shortlist: &Head<Shortlist, V, H>,
        count: usize,
    ) -> Tensor<RowProducts, (T,)> {
        let largest =
            x.with_rows(self, head.fold(), |rows| self.largest_products(rows, head.data(), shortlist.data(), count));
        Tensor::assume((x.shape.0,), largest, "a list for each token")
    }
}
