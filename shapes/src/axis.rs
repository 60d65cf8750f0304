//! Axes and the relations between them that hold by construction: products and sums.
//!
//! The axes of a model are in [`model`](crate::Model), the axes of one computation in [`scoped`](crate::Seq).

use alloc::vec::Vec;
use core::fmt::Debug;
use core::ops::DerefMut;

/// A named axis of a tensor.
///
/// **Law:** all values of one `Axis` type that can exist at the same time report the same [`len`](Axis::len). So type
/// equality is size equality, and no operation on tensors compares lengths. A type that breaks the law can make an
/// operation panic or compute nonsense; it cannot touch memory it should not, because kernels check slice lengths
/// once a call. The trait is therefore safe to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an axis",
    label = "expected a named axis such as `Hidden<M>` or `Seq<'_>`",
    note = "shapes are tuples of axes: `(T, Hidden<M>)` with `T: Axis`"
)]
#[allow(clippy::len_without_is_empty)] // A length, not a collection.
pub trait Axis: Copy + Debug + Send + Sync {
    /// The name in error messages, such as `Hidden`.
    const NAME: &'static str;

    /// A scratch buffer with one element per index: on the stack where the length is a type, else on the heap.
    type Buf<T: Copy + Default>: DerefMut<Target = [T]>;

    /// Number of indices.
    fn len(self) -> usize;

    /// A scratch buffer of [`len`](Axis::len) default elements.
    fn buf<T: Copy + Default>(self) -> Self::Buf<T>;
}

/// An axis that says nothing of what was done to a tensor: a width, a count, a vocabulary. Data can be declared to have
/// it.
///
/// A role ([`Normed`](crate::Normed), [`Rotated`](crate::Rotated), [`Gate`](crate::Gate), [`Value`](crate::Value),
/// [`Branch`](crate::Branch)) is not plain, as only the operation gives it whose name it has. The tokens of a step are
/// not plain either: a state makes the step, and data enter it one slice a sequence
/// ([`Tensor::of_sequences`](crate::Tensor::of_sequences)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plain axis",
    label = "comes from the operation or the state that makes it",
    note = "plain axes are those of `axis!` and `product!`, such as `Hidden<M>` where `M: Model`, and `Fixed<N>`",
    note = "data of a step enter by `Tensor::of_sequences`, and are reduced for each sequence by `mean_of_sequences`"
)]
pub trait Plain: Roleless {}

/// A plain axis that has a name of its own, or one index: no other axis of its length is taken for it.
///
/// What goes along positions takes it, so that positions do not change places with as many sequences, heads or
/// channels. [`Fixed<N>`](Fixed) is a length alone; of one index there is nothing to confuse.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name the positions of a sequence",
    label = "expected an axis with a name, such as `Seq` or one of `axis!`",
    note = "`Fixed<N>` is a length alone, which could change places with another; one position is `Fixed<1>`",
    note = "the tokens of a step are of many sequences, and have operations of their own"
)]
pub trait Named: Plain {}

/// An axis without a role: plain, or the tokens or sequences of a step. Operations that give no role take it, and leave
/// it as it is.
#[diagnostic::on_unimplemented(
    message = "this operation gives no role, and `{Self}` has one",
    label = "the result would claim what is no longer true of it",
    note = "`plain()` takes the role off a tensor"
)]
pub trait Roleless: Axis {}

/// An axis that is, by definition, the product of two others: index = outer * inner length + inner.
///
/// Splitting such an axis into its factors and merging them again are total and free. What is not a product cannot be
/// split: there is no run-time check that `Hidden` is a multiple of the head width, and none is needed.
///
/// Only the library implements it, so that no axis splits into a role:
/// ```compile_fail,E0277
/// use trine_shapes::*;
/// axis! { struct Mine = 8; }
/// impl Product for Mine {
///     type Outer = Fixed<1>;
///     type Inner = Normed<AttnNorm, Fixed<8>>;
///     fn factors(self) -> (Self::Outer, Self::Inner) {
///         (Fixed, Normed::of(Fixed))
///     }
///     fn product(_: Self::Outer, _: Self::Inner) -> Self {
///         Mine
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "axis `{Self}` does not factor into two axes",
    label = "not a product axis",
    note = "only product axes split and merge: `QWidth = Heads x HeadDim`, `KvWidth = KvHeads x HeadDim`, \
            `Heads = KvHeads x Group`"
)]
pub trait Product: Axis + sealed::Product {
    /// The slower factor.
    type Outer: Axis;
    /// The faster factor.
    type Inner: Axis;

    /// The two factors.
    fn factors(self) -> (Self::Outer, Self::Inner);

    /// The axis whose factors are these.
    fn product(outer: Self::Outer, inner: Self::Inner) -> Self;
}

/// A plain axis that is the product of two plain ones; [`product!`](crate::product) declares them. The library
/// distributes the roles of a product over its factors: [`Value<KvWidth<M>>`](crate::Value) is
/// `KvHeads x Value<HeadDim>`.
pub trait Factored: Plain {
    /// The slower factor.
    type Slow: Plain;
    /// The faster factor.
    type Fast: Plain;

    /// The two factors.
    fn parts(self) -> (Self::Slow, Self::Fast);

    /// The axis whose factors are these.
    fn whole(slow: Self::Slow, fast: Self::Fast) -> Self;
}

/// Else an axis of anyone's could split into a role.
pub(crate) mod sealed {
    pub trait Product {}
}

impl<A: Factored> sealed::Product for A {}

#[diagnostic::do_not_recommend]
impl<A: Factored> Product for A {
    type Outer = A::Slow;
    type Inner = A::Fast;

    #[inline]
    fn factors(self) -> (A::Slow, A::Fast) {
        self.parts()
    }

    #[inline]
    fn product(outer: A::Slow, inner: A::Fast) -> Self {
        A::whole(outer, inner)
    }
}

/// Two axes seen as one, row-major: `Flat<Batch, Seq>` is the run of all tokens of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Flat<A, B>(pub A, pub B);

// Lawful: a function of two lawful axes.
#[diagnostic::do_not_recommend]
impl<A: Axis, B: Axis> Axis for Flat<A, B> {
    const NAME: &'static str = "Flat";
    type Buf<T: Copy + Default> = Vec<T>;

    #[inline]
    fn len(self) -> usize {
        trine_memory::product_of(&[self.0.len(), self.1.len()])
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.len()]
    }
}

#[diagnostic::do_not_recommend]
impl<A: Plain, B: Plain> Plain for Flat<A, B> {}
#[diagnostic::do_not_recommend]
impl<A: Roleless, B: Roleless> Roleless for Flat<A, B> {}

#[diagnostic::do_not_recommend]
impl<A: Named, B: Named> Named for Flat<A, B> {}

#[diagnostic::do_not_recommend]
impl<A: Plain, B: Plain> Factored for Flat<A, B> {
    type Slow = A;
    type Fast = B;

    fn parts(self) -> (A, B) {
        (self.0, self.1)
    }

    fn whole(outer: A, inner: B) -> Self {
        Flat(outer, inner)
    }
}

/// The indices of `A`, then those of `B`, as a concatenation has them. Both parts are plain.
///
/// ```
/// use trine_shapes::*;
/// axis! { struct Left = 3; struct Right = 4; }
/// fn whole(both: Plus<Left, Right>) {}
/// whole(Plus(Left, Right));
/// ```
/// The parts have an order:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # axis! { struct Left = 3; struct Right = 4; }
/// # fn whole(both: Plus<Left, Right>) {}
/// whole(Plus(Right, Left));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plus<A, B>(pub A, pub B);

// Lawful: a function of two lawful axes.
#[diagnostic::do_not_recommend]
impl<A: Plain, B: Plain> Axis for Plus<A, B> {
    const NAME: &'static str = "Plus";
    type Buf<T: Copy + Default> = Vec<T>;

    #[inline]
    fn len(self) -> usize {
        self.0.len() + self.1.len()
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.len()]
    }
}

#[diagnostic::do_not_recommend]
impl<A: Plain, B: Plain> Plain for Plus<A, B> {}
#[diagnostic::do_not_recommend]
impl<A: Plain, B: Plain> Roleless for Plus<A, B> {}
/// A literal length and no name: one sequence is `Fixed<1>`, and widths of small programs need no more. Positions have
/// a name ([`Named`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixed<const N: usize>;

// Lawful: a constant.
#[diagnostic::do_not_recommend]
impl<const N: usize> Axis for Fixed<N> {
    const NAME: &'static str = "Fixed";
    type Buf<T: Copy + Default> = Vec<T>;

    #[inline]
    fn len(self) -> usize {
        N
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); N]
    }
}

#[diagnostic::do_not_recommend]
impl<const N: usize> Plain for Fixed<N> {}
#[diagnostic::do_not_recommend]
impl<const N: usize> Roleless for Fixed<N> {}
#[diagnostic::do_not_recommend]
impl Named for Fixed<1> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_have_the_lengths_they_say() {
        assert_eq!(Flat(Fixed::<3>, Fixed::<5>).len(), 15);
        assert_eq!(Plus(Fixed::<3>, Fixed::<5>).len(), 8);
        let (outer, inner) = Flat(Fixed::<3>, Fixed::<5>).factors();
        assert_eq!((outer.len(), inner.len()), (3, 5));
        assert_eq!(Plus(Fixed::<2>, Fixed::<4>).buf::<u8>().len(), 6);
    }
}
