//! Owned tensors, borrowed views, and the relabellings between shapes that cost nothing.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::axis::{Axis, Flat, Plain, Product, Roleless};
use crate::norm::{NoNorm, NormRole, Normed};
use crate::role::Role;
use crate::same::Same;
use crate::shape::{PlainShape, RolelessShape, Shape};
use crate::step::{Sequences, Step, Uniform};
use trine_memory::Buffer;

/// An owned, contiguous, row-major tensor. It always holds `shape.elements()` elements.
///
/// Data have plain axes ([`PlainShape`]); an axis that says what was done to a tensor comes from the operation that did
/// it. Data of a step come one slice a sequence ([`Tensor::of_sequences`]).
#[derive(Clone, Debug)]
pub struct Tensor<T, S> {
    data: Buffer<T>,
    shape: S,
}

/// A borrowed tensor: the elements of a [`Tensor`], of a scratch buffer or of a file.
#[derive(Debug)]
pub struct View<'a, T, S> {
    data: &'a [T],
    shape: S,
}

impl<T, S: Copy> Copy for View<'_, T, S> {}
impl<T, S: Copy> Clone for View<'_, T, S> {
    fn clone(&self) -> Self {
        *self
    }
}

/// Data that does not have the shape it is offered for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The dimensions differ from the lengths of the axes.
    #[error("`{name}` should be {expected} but is {found:?}{}", transposed_hint(expected_lens, found))]
    Dimensions {
        /// What was checked, such as a tensor's name.
        name: String,
        /// The axes with their lengths, such as `[Hidden = 256, Ffn = 768]`.
        expected: String,
        /// Their lengths alone.
        expected_lens: Vec<usize>,
        /// The dimensions that were offered, outermost first.
        found: Vec<usize>,
    },
    /// The dimensions fit but the number of elements does not.
    #[error("`{name}` should hold {expected} elements but holds {found}")]
    Elements {
        /// What was checked.
        name: String,
        /// The product of the lengths.
        expected: usize,
        /// The number of elements that were offered.
        found: usize,
    },
    /// A step has other sequences.
    #[error("`{name}` should have a slice for each of {expected} sequences but has {found}")]
    Sequences {
        /// What was checked.
        name: String,
        /// The sequences of the step.
        expected: usize,
        /// The slices that were offered.
        found: usize,
    },
}

fn transposed_hint(expected: &[usize], found: &[usize]) -> &'static str {
    if expected.len() > 1 && expected.iter().eq(found.iter().rev()) { " (it looks transposed)" } else { "" }
}

impl ShapeError {
    /// Compares `found` dimensions (outermost first) with those of `shape`.
    ///
    /// # Errors
    /// [`ShapeError::Dimensions`] where they differ; it says so when the reversed dimensions would fit.
    pub fn check<S: Shape>(name: &str, found: &[usize], shape: S) -> Result<(), ShapeError> {
        let lens = shape.lens();
        if lens.as_ref() == found {
            return Ok(());
        }
        let axes: Vec<_> = S::NAMES.iter().zip(lens.as_ref()).map(|(name, len)| format!("{name} = {len}")).collect();
        Err(ShapeError::Dimensions {
            name: name.to_owned(),
            expected: format!("[{}]", axes.join(", ")),
            expected_lens: lens.as_ref().to_vec(),
            found: found.to_vec(),
        })
    }

    /// Compares `dims` and the number of elements that come with them with those of `shape`.
    ///
    /// # Errors
    /// As [`ShapeError::check`], and [`ShapeError::Elements`] where the number differs.
    pub fn check_data<S: Shape>(name: &str, dims: &[usize], found: usize, shape: S) -> Result<(), ShapeError> {
        ShapeError::check(name, dims, shape)?;
        match shape.elements() {
            expected if expected == found => Ok(()),
            expected => Err(ShapeError::Elements { name: name.to_owned(), expected, found }),
        }
    }
}

impl<'a, T, S: PlainShape> View<'a, T, S> {
    /// The one checked conversion into a typed view: `dims` (outermost first) and the number of elements must be
    /// those of `shape`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let gain = View::check("attn_norm.weight", &[1.0; 2560], &[2560], (Hidden::of(Bitnet2B4T),))?;
    /// assert_eq!(gain.data().len(), 2560);
    /// # Ok::<(), ShapeError>(())
    /// ```
    /// A number says how many elements there are, not what they are:
    /// ```compile_fail,E0277
    /// use trine_shapes::*;
    /// let gain = View::check("attn_norm.weight", &[1.0; 2560], &[2560], (2560_usize,))?;
    /// # Ok::<(), ShapeError>(())
    /// ```
    ///
    /// # Errors
    /// [`ShapeError`], which says so when the reversed dimensions would fit.
    pub fn check(name: &str, data: &'a [T], dims: &[usize], shape: S) -> Result<Self, ShapeError> {
        ShapeError::check_data(name, dims, data.len(), shape)?;
        Ok(View { data, shape })
    }
}

impl<'a, T, S: Shape> View<'a, T, S> {
    /// The elements, row-major.
    #[inline]
    pub fn data(self) -> &'a [T] {
        self.data
    }

    /// The axes.
    #[inline]
    pub fn shape(self) -> S {
        self.shape
    }

    /// The elements from `first` on, as many as `shape` has; callers prove it by their signature.
    #[inline]
    pub(crate) fn part<Z: Shape>(self, first: usize, shape: Z) -> View<'a, T, Z> {
        View { data: &self.data[first..][..shape.elements()], shape }
    }
}

impl<T, S: PlainShape> Tensor<T, S> {
    /// A tensor of default elements (zeros for numbers).
    pub fn zeros(shape: S) -> Self
    where
        T: Copy + Default,
    {
        Tensor { data: vec![T::default(); shape.elements()].into(), shape }
    }

    /// A tensor of these elements, row-major.
    ///
    /// ```
    /// use trine_shapes::*;
    /// fn stream<M: Model>(seq: Seq, m: M, data: Vec<f32>) {
    ///     let x = Tensor::from_data((seq, Hidden::of(m)), data);
    /// }
    /// ```
    /// What was done to a tensor is not declared:
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// fn stream<M: Model>(seq: Seq, m: M, data: Vec<f32>) {
    ///     let x = Tensor::from_data((seq, Normed::<AttnNorm, _>::of(Hidden::of(m))), data);
    /// }
    /// ```
    ///
    /// # Panics
    /// If there are not as many as `shape` has.
    #[inline]
    pub fn from_data(shape: S, data: impl Into<Buffer<T>>) -> Self {
        let data = data.into();
        assert_eq!(data.len(), shape.elements(), "elements of a tensor");
        Tensor { data, shape }
    }

    /// A tensor whose element at row-major position `i` is `element(i)`.
    pub fn from_fn(shape: S, element: impl FnMut(usize) -> T) -> Self {
        Tensor { data: (0..shape.elements()).map(element).collect(), shape }
    }

    /// The one checked conversion of owned data; see [`View::check`].
    ///
    /// # Errors
    /// [`ShapeError`] as for [`View::check`].
    pub fn check(name: &str, data: impl Into<Buffer<T>>, dims: &[usize], shape: S) -> Result<Self, ShapeError> {
        let data = data.into();
        View::check(name, &data, dims, shape)?;
        Ok(Tensor { data, shape })
    }

    /// The elements, row-major, to write.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }
}

impl<T, S: Shape> Tensor<T, S> {
    /// A tensor of these elements, of whatever `shape` says: the one way to give a tensor a role without the operation
    /// that the role is named after. `reason` says to a reader why it has it nevertheless.
    ///
    /// The operations of Trine end here; a program that has all its roles from them does not call it.
    ///
    /// # Panics
    /// If there are not as many elements as `shape` has, where debug assertions are on. Where they are off the
    /// operation that reads the tensor panics.
    #[inline]
    pub fn assume(shape: S, data: impl Into<Buffer<T>>, reason: &'static str) -> Self {
        let data = data.into();
        debug_assert_eq!(data.len(), shape.elements(), "elements of a tensor ({reason})");
        Tensor { data, shape }
    }

    /// The elements, row-major, to write, where axes say what was done to them: as [`Tensor::assume`], for an operation
    /// in place.
    #[inline]
    pub fn assume_mut(&mut self, _reason: &'static str) -> &mut [T] {
        &mut self.data
    }

    /// The same elements as a tensor of another shape: as [`Tensor::assume`], for an operation in place.
    #[inline]
    pub fn assume_axes<Z: Shape>(self, shape: Z, _reason: &'static str) -> Tensor<T, Z> {
        self.with_shape(shape)
    }

    /// Borrows the tensor.
    #[inline]
    pub fn view(&self) -> View<'_, T, S> {
        View { data: &self.data, shape: self.shape }
    }

    /// The elements, row-major.
    #[inline]
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The elements without their shape.
    pub fn into_data(self) -> Buffer<T> {
        self.data
    }

    /// The axes.
    #[inline]
    pub fn shape(&self) -> S {
        self.shape
    }

    /// The same elements under another shape of the same length; callers prove it by their signature.
    #[inline]
    fn with_shape<Z: Shape>(self, shape: Z) -> Tensor<T, Z> {
        debug_assert_eq!(self.data.len(), shape.elements());
        Tensor { data: self.data, shape }
    }
}

impl<T, S: RolelessShape> Tensor<T, S> {
    /// What `f` makes of each element.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Tensor<U, S> {
        Tensor { data: self.data.into_vec().into_iter().map(f).collect(), shape: self.shape }
    }
}

impl<T: Clone, A: Roleless, C: Axis> Tensor<T, (A, C)> {
    /// The rows, each a tensor by itself: `(A, C) -> (A,)` of `(C,)`. One row keeps its memory, others are copies.
    pub fn into_rows(self) -> Tensor<Tensor<T, (C,)>, (A,)> {
        let (a, c) = self.shape;
        let row = |data: Buffer<T>| Tensor { data, shape: (c,) };
        let data = match a.len() {
            1 => vec![row(self.data)],
            // `chunks_exact` takes no width of 0, of which every row is empty.
            rows if c.len() == 0 => (0..rows).map(|_| row(Vec::new().into())).collect(),
            _ => self.data.chunks_exact(c.len()).map(|elements| row(elements.into())).collect(),
        };
        Tensor { data: data.into(), shape: (a,) }
    }
}

impl<T: Clone, U: Step> Tensor<T, (U,)> {
    /// What each sequence brings to a step, such as its tokens: one slice a sequence, in the order of the step.
    ///
    /// # Errors
    /// [`ShapeError`] where there are more or fewer slices than sequences, or a slice has another length than the
    /// tokens of its sequence.
    pub fn of_sequences(name: &str, step: U, sequences: &[&[T]]) -> Result<Self, ShapeError> {
        Ok(Tensor { data: joined(name, step, 1, sequences)?.into(), shape: (step,) })
    }
}

impl<T: Clone, U: Step, C: Plain> Tensor<T, (U, C)> {
    /// What each sequence brings to a step, a row of `columns` for each token: one slice a sequence, in the order of
    /// the step.
    ///
    /// # Errors
    /// [`ShapeError`] where there are more or fewer slices than sequences, or a slice does not hold a row for each of
    /// the tokens of its sequence.
    pub fn of_sequence_rows(name: &str, step: U, columns: C, sequences: &[&[T]]) -> Result<Self, ShapeError> {
        Ok(Tensor { data: joined(name, step, columns.len(), sequences)?.into(), shape: (step, columns) })
    }
}

/// The slices of all sequences, each as long as its tokens times `width`.
fn joined<T: Clone>(name: &str, step: impl Step, width: usize, sequences: &[&[T]]) -> Result<Vec<T>, ShapeError> {
    if sequences.len() != step.sequences() {
        let (expected, found) = (step.sequences(), sequences.len());
        return Err(ShapeError::Sequences { name: name.to_owned(), expected, found });
    }
    for (index, (sequence, span)) in sequences.iter().zip(step.spans()).enumerate() {
        let (expected, found) = (trine_memory::product_of(&[span.tokens, width]), sequence.len());
        if expected != found {
            return Err(ShapeError::Elements { name: format!("{name} of sequence {index}"), expected, found });
        }
    }
    Ok(sequences.concat())
}

impl<T, A: Axis, P: Axis> Tensor<T, (A, P)> {
    /// `(T, Outer x Inner) -> (T, Outer, Inner)`: total and free.
    ///
    /// ```
    /// use trine_shapes::*;
    /// type Queries<M> = Tensor<f32, (Fixed<8>, QWidth<M>)>;
    /// fn heads<M: Model>(q: Queries<M>) -> Tensor<f32, (Fixed<8>, Heads<M>, HeadDim<M>)> {
    ///     q.split()
    /// }
    /// ```
    /// The residual stream does not consist of heads, whatever its width:
    /// ```compile_fail,E0277
    /// use trine_shapes::*;
    /// type Residual<M> = Tensor<f32, (Fixed<8>, Hidden<M>)>;
    /// fn heads<M: Model>(x: Residual<M>) -> Tensor<f32, (Fixed<8>, Heads<M>, HeadDim<M>)> {
    ///     x.split()
    /// }
    /// ```
    // `O` and `I` are inferred: naming `P::Outer` in the signature would lose the message of `Product`.
    #[inline]
    pub fn split<O: Axis, I: Axis>(self) -> Tensor<T, (A, O, I)>
    where
        P: Product<Outer = O, Inner = I>,
    {
        let (a, p) = self.shape;
        let (outer, inner) = p.factors();
        self.with_shape((a, outer, inner))
    }

    /// The same tensor where an architecture has no norm with role `R`: the identity takes its place.
    #[inline]
    pub fn without_norm<R: NormRole>(self, _evidence: NoNorm<R>) -> Tensor<T, (A, Normed<R, P>)> {
        let (a, p) = self.shape;
        self.with_shape((a, Normed::of(p)))
    }

    /// The same tensor as if nothing had been done to it: its last axis without its role.
    #[inline]
    pub fn plain(self) -> Tensor<T, (A, P::Plain)>
    where
        P: Role,
    {
        let (a, p) = self.shape;
        self.with_shape((a, p.inner()))
    }

    /// The same tensor with its last axis renamed to its counterpart in another environment.
    #[inline]
    pub fn relabel<Q: Axis>(self, last: Q, _proof: Same<P, Q>) -> Tensor<T, (A, Q)> {
        let (a, _) = self.shape;
        self.with_shape((a, last))
    }
}

impl<T, A: Axis, O: Axis, I: Axis> Tensor<T, (A, O, I)> {
    /// `(T, Outer, Inner) -> (T, Outer x Inner)`: total and free.
    ///
    /// ```
    /// use trine_shapes::*;
    /// type Attended<M> = Tensor<f32, (Fixed<8>, Heads<M>, HeadDim<M>)>;
    /// fn merged<M: Model>(heads: Attended<M>) -> Tensor<f32, (Fixed<8>, QWidth<M>)> {
    ///     heads.merge()
    /// }
    /// ```
    /// Query heads side by side are neither as wide as keys nor the residual stream:
    /// ```compile_fail,E0271
    /// use trine_shapes::*;
    /// type Attended<M> = Tensor<f32, (Fixed<8>, Heads<M>, HeadDim<M>)>;
    /// fn merged<M: Model>(heads: Attended<M>) -> Tensor<f32, (Fixed<8>, KvWidth<M>)> {
    ///     heads.merge()
    /// }
    /// ```
    /// ```compile_fail,E0277
    /// use trine_shapes::*;
    /// type Attended<M> = Tensor<f32, (Fixed<8>, Heads<M>, HeadDim<M>)>;
    /// fn merged<M: Model>(heads: Attended<M>) -> Tensor<f32, (Fixed<8>, Hidden<M>)> {
    ///     heads.merge()
    /// }
    /// ```
    #[inline]
    pub fn merge<P: Product<Outer = O, Inner = I>>(self) -> Tensor<T, (A, P)> {
        let (a, outer, inner) = self.shape;
        self.with_shape((a, P::product(outer, inner)))
    }

    /// `(A, B, X) -> (A x B, X)`: all tokens of a batch as rows; total and free.
    #[inline]
    pub fn rows(self) -> Tensor<T, (Flat<A, O>, I)> {
        let (a, b, x) = self.shape;
        self.with_shape((Flat(a, b), x))
    }

    /// `(B, S, X) -> (Uniform<B, P, S>, X)`: the tokens of a batch as those of a step; total and free.
    #[inline]
    pub fn in_step<P: Axis>(self, step: Uniform<A, P, O>) -> Tensor<T, (Uniform<A, P, O>, I)> {
        let (_, _, x) = self.shape;
        self.with_shape((step, x))
    }
}

impl<T, A: Axis, B: Axis, C: Axis> Tensor<T, (Flat<A, B>, C)> {
    /// `(A x B, C) -> (A, B, C)`: the inverse of [`rows`](Tensor::rows).
    #[inline]
    pub fn unrows(self) -> Tensor<T, (A, B, C)> {
        let (Flat(a, b), c) = self.shape;
        self.with_shape((a, b, c))
    }
}

impl<T, B: Axis, P: Axis, S: Axis, C: Axis> Tensor<T, (Uniform<B, P, S>, C)> {
    /// `(Uniform<B, P, S>, C) -> (B, S, C)`: the inverse of [`in_step`](Tensor::in_step).
    #[inline]
    pub fn batched(self) -> Tensor<T, (B, S, C)> {
        let (step, c) = self.shape;
        self.with_shape((step.batch(), step.seq(), c))
    }
}

impl<T, B: Axis, P: Axis, S: Axis, C: Axis> Tensor<T, (Sequences<Uniform<B, P, S>>, C)> {
    /// `(Sequences<Uniform<B, P, S>>, C) -> (B, C)`: the sequences of a rectangular step are its batch; total and free.
    #[inline]
    pub fn batched(self) -> Tensor<T, (B, C)> {
        let (sequences, c) = self.shape;
        self.with_shape((sequences.step().batch(), c))
    }
}

impl<T: Copy, U: Step, C: Axis> View<'_, T, (U, C)> {
    /// The last token of every sequence: `(T, C) -> (Sequences<T>, C)`, a copy. Each sequence of a step has one.
    pub fn last(self) -> Tensor<T, (Sequences<U>, C)> {
        let (step, c) = self.shape;
        let width = c.len();
        let mut data = Vec::with_capacity(step.sequences() * width);
        let mut end = 0;
        for span in step.spans() {
            end += span.tokens;
            data.extend_from_slice(&self.data[(end - 1) * width..end * width]);
        }
        Tensor { data: data.into(), shape: (Sequences::of(step), c) }
    }
}

#[cfg(test)]
#[path = "tensor_tests.rs"]
mod tests;
