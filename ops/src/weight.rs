//! Weight matrices: `Out` rows of `In` values, in whatever storage, and the biases of their products.

use crate::fold::{Fold, FoldTable};
use crate::low_rank::LowRank;
use crate::norm::RmsNorm;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;
use trine_shapes::{Axis, InputNorm, Made, Role, ShapeError};

/// Storage of a matrix that knows its size.
pub trait RowMajor {
    /// Number of rows: output features.
    fn rows(&self) -> usize;
    /// Number of columns: input features.
    fn cols(&self) -> usize;
}

/// A matrix with `Out` rows and `In` columns, row-major, in storage `D` (a packing, or a choice among packings).
///
/// `y = W x` takes `In` to `Out`. The orientation is part of the type, so a square matrix cannot be used the wrong way
/// round either. The columns are a demand: `W_q` takes `Normed<AttnNorm, Hidden<M>>` and nothing else. The rows are
/// what a matrix can make ([`Made`]): what a norm makes, it does not.
///
/// ```
/// use trine_ops::{Affine, Bias, RowMajor, Weight};
/// use trine_shapes::*;
/// fn output<D: RowMajor, O: Made, I: Axis>(x: I, weight: &Weight<D, O, I>) -> O {
///     weight.out()
/// }
/// type AttnOutput<D> = Weight<D, Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>; // 2560 x 2560
/// fn attention<D: RowMajor>(x: QWidth<Bitnet2B4T>, weight: &AttnOutput<D>) -> Hidden<Bitnet2B4T> {
///     output(x, weight)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_ops::{Affine, Bias, RowMajor, Weight};
/// # use trine_shapes::*;
/// # fn output<D: RowMajor, O: Made, I: Axis>(x: I, weight: &Weight<D, O, I>) -> O {
/// #     weight.out()
/// # }
/// type Transposed<D> = Weight<D, QWidth<Bitnet2B4T>, Hidden<Bitnet2B4T>>; // 2560 x 2560
/// fn attention<D: RowMajor>(x: QWidth<Bitnet2B4T>, weight: &Transposed<D>) -> Hidden<Bitnet2B4T> {
///     output(x, weight)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Weight<D, Out, In> {
    data: D,
    out: Out,
    input: In,
    low_rank: Vec<LowRank<Out, In>>,
    fold: Option<Arc<FoldTable>>,
    input_norm: Option<InputGains>,
}

/// The norm of what a matrix multiplies, without the axis.
#[derive(Clone, Debug)]
pub(crate) struct InputGains {
    pub(crate) gains: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl<D: RowMajor, Out: Made, In: Axis> Weight<D, Out, In> {
    /// The one checked conversion into a typed matrix.
    ///
    /// # Errors
    /// [`ShapeError`], which says so when the matrix would fit transposed.
    pub fn check(name: &str, data: D, (out, input): (Out, In)) -> Result<Self, ShapeError> {
        ShapeError::check(name, &[data.rows(), data.cols()], (out, input))?;
        Ok(Weight { data, out, input, low_rank: Vec::new(), fold: None, input_norm: None })
    }

    /// The storage.
    #[inline]
    pub fn data(&self) -> &D {
        &self.data
    }

    /// The axis of the rows.
    #[inline]
    pub fn out(&self) -> Out {
        self.out
    }

    /// The axis of the columns.
    #[inline]
    pub fn input(&self) -> In {
        self.input
    }

    /// The same matrix in the storage that `f` makes of its own. Its dimensions are checked; that they are the same
    /// weights is up to `f`, as it is up to the caller of [`Weight::check`] which tensor it names.
    ///
    /// # Panics
    /// If that has other dimensions.
    pub fn map<E: RowMajor>(self, f: impl FnOnce(D) -> E) -> Weight<E, Out, In> {
        let Weight { data, out, input, low_rank, fold, input_norm } = self;
        let data = f(data);
        assert_eq!((data.rows(), data.cols()), (out.len(), input.len()), "rows and columns of the new storage");
        Weight { data, out, input, low_rank, fold, input_norm }
    }

    /// The same matrix as one that is folded: `y = W R x + b`, where `R` is the rotation. Whoever multiplies with the
    /// weight rotates, so that a folded matrix never meets what was not rotated; matrices of low rank beside it meet
    /// `x` itself.
    ///
    /// ```
    /// use trine_ops::{Fold, RowMajor, Weight};
    /// use trine_shapes::*;
    ///
    /// type Up<D, M> = Weight<D, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
    /// fn folded<D: RowMajor, M: Model>(up: Up<D, M>, fold: Fold<Hidden<M>>) -> Up<D, M> {
    ///     up.with_fold(fold)
    /// }
    /// ```
    /// The rotation is one of what the matrix takes, not of what it makes:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Fold, RowMajor, Weight};
    /// # use trine_shapes::*;
    /// # type Up<D, M> = Weight<D, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
    /// fn folded<D: RowMajor, M: Model>(up: Up<D, M>, fold: Fold<Ffn<M>>) -> Up<D, M> {
    ///     up.with_fold(fold)
    /// }
    /// ```
    #[must_use]
    pub fn with_fold(self, fold: Fold<In::Plain>) -> Self
    where
        In: Role,
    {
        Weight { fold: Some(fold.table()), ..self }
    }

    /// Whether the matrix is folded.
    pub fn is_folded(&self) -> bool {
        self.fold.is_some()
    }

    pub(crate) fn fold(&self) -> Option<&Arc<FoldTable>> {
        self.fold.as_ref()
    }

    /// The same matrix behind a norm of its own input: `y = W RMSNorm(x) + b`, as BitNet's linear layers have it whose
    /// norms are not shared (arXiv 2402.17764, section 2). Whoever multiplies with the weight normalises; matrices of
    /// low rank beside it meet `x` itself.
    ///
    /// ```
    /// use trine_ops::{RmsNorm, RowMajor, Weight};
    /// use trine_shapes::*;
    ///
    /// type Up<D, M> = Weight<D, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
    /// fn normed<D: RowMajor, M: Model>(up: Up<D, M>, norm: &RmsNorm<InputNorm, Hidden<M>>) -> Up<D, M> {
    ///     up.with_input_norm(norm)
    /// }
    /// ```
    /// It is one of what the matrix takes, not of what it makes:
    /// ```compile_fail,E0308
    /// # use trine_ops::{RmsNorm, RowMajor, Weight};
    /// # use trine_shapes::*;
    /// # type Up<D, M> = Weight<D, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
    /// fn normed<D: RowMajor, M: Model>(up: Up<D, M>, norm: &RmsNorm<InputNorm, Ffn<M>>) -> Up<D, M> {
    ///     up.with_input_norm(norm)
    /// }
    /// ```
    #[must_use]
    pub fn with_input_norm(self, norm: &RmsNorm<InputNorm, In::Plain>) -> Self
    where
        In: Role,
    {
        let gains = norm.gain().data().to_vec();
        Weight { input_norm: Some(InputGains { gains, epsilon: norm.epsilon() }), ..self }
    }

    /// Whether the matrix normalises its input.
    pub fn has_input_norm(&self) -> bool {
        self.input_norm.is_some()
    }

    pub(crate) fn input_norm(&self) -> Option<&InputGains> {
        self.input_norm.as_ref()
    }

    /// The same matrix with another one of low rank beside it: `y = W x + b + scale B A x`. There may be several; each
    /// is added in its turn.
    #[must_use]
    pub fn with_low_rank(mut self, beside: LowRank<Out, In>) -> Self {
        self.low_rank.push(beside);
        self
    }

    pub(crate) fn without_low_rank(self) -> Self {
        Weight { low_rank: Vec::new(), ..self }
    }

    /// The matrices of low rank beside it.
    pub fn low_rank(&self) -> &[LowRank<Out, In>] {
        &self.low_rank
    }

    /// The same matrix with its bias: `y = W x + b`.
    #[inline]
    pub fn with_bias(self, bias: Bias<Out, In>) -> Self
    where
        D: Affine,
    {
        Weight { data: self.data.with_bias(bias.values.into()), ..self }
    }
}

/// Storage of a matrix whose products can add a bias.
pub trait Affine: RowMajor {
    /// The same matrix with `bias`, one value for each row; it takes the place of one that it has.
    ///
    /// # Panics
    /// If there are more or less values than rows.
    fn with_bias(self, bias: Box<[f32]>) -> Self;
}

/// The bias of the matrix that takes `In` to `Out`: one value for each output.
///
/// Both axes are part of the type, so it fits its own matrix and no other that is as wide.
///
/// ```
/// use trine_ops::{Affine, Bias, RowMajor, Weight};
/// use trine_shapes::*;
/// type Down<D> = Weight<D, Hidden<Bitnet2B4T>, Ffn<Bitnet2B4T>>;
/// fn down<D: Affine>(weight: Down<D>, bias: Bias<Hidden<Bitnet2B4T>, Ffn<Bitnet2B4T>>) -> Down<D> {
///     weight.with_bias(bias)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_ops::{Affine, Bias, RowMajor, Weight};
/// # use trine_shapes::*;
/// # type Down<D> = Weight<D, Hidden<Bitnet2B4T>, Ffn<Bitnet2B4T>>;
/// fn down<D: Affine>(weight: Down<D>, bias: Bias<Hidden<Bitnet2B4T>, QWidth<Bitnet2B4T>>) -> Down<D> {
///     weight.with_bias(bias)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Bias<Out, In> {
    values: Vec<f32>,
    out: PhantomData<Out>,
    input: PhantomData<In>,
}

impl<Out: Made, In: Axis> Bias<Out, In> {
    /// The bias of a matrix with these axes whose value for output `i` is `element(i)`.
    pub fn from_fn((out, _): (Out, In), element: impl FnMut(usize) -> f32) -> Self {
        Bias { values: (0..out.len()).map(element).collect(), input: PhantomData, out: PhantomData }
    }

    /// The one checked conversion of values with dimensions `dims` into a typed bias of a matrix with these axes.
    ///
    /// # Errors
    /// [`ShapeError`] as for [`Tensor::check`](trine_shapes::Tensor::check).
    pub fn check(name: &str, values: Vec<f32>, dims: &[usize], (out, _): (Out, In)) -> Result<Self, ShapeError> {
        ShapeError::check_data(name, dims, values.len(), (out,))?;
        Ok(Bias { values, input: PhantomData, out: PhantomData })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use trine_shapes::Fixed;

    /// Storage that is nothing but its size.
    #[derive(Clone)]
    pub(crate) struct Size(pub(crate) usize, pub(crate) usize);
    impl RowMajor for Size {
        fn rows(&self) -> usize {
            self.0
        }
        fn cols(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn a_weight_is_checked_once() {
        let weight = Weight::check("w", Size(3, 5), (Fixed::<3>, Fixed::<5>)).unwrap();
        assert_eq!((weight.out().len(), weight.input().len()), (3, 5));
        let error = Weight::check("w", Size(5, 3), (Fixed::<3>, Fixed::<5>)).err().unwrap();
        assert_eq!(error.to_string(), "`w` should be [Fixed = 3, Fixed = 5] but is [5, 3] (it looks transposed)");
    }
}
