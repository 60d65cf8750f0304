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
    note = "shapes are tuples of axes: `(Batch, Seq, Hidden<M>)`"
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

/// An axis that is, by definition, the product of two others: index = outer * inner length + inner.
///
/// Splitting such an axis into its factors and merging them again are total and free. What is not a product cannot be
/// split: there is no run-time check that `Hidden` is a multiple of the head width, and none is needed.
#[diagnostic::on_unimplemented(
    message = "axis `{Self}` does not factor into two axes",
    label = "not a product axis",
    note = "only product axes split and merge: `QWidth = Heads x HeadDim`, `KvWidth = KvHeads x HeadDim`, \
            `Heads = KvHeads x Group`"
)]
pub trait Product: Axis {
    /// The slower factor.
    type Outer: Axis;
    /// The faster factor.
    type Inner: Axis;

    /// The two factors.
    fn factors(self) -> (Self::Outer, Self::Inner);

    /// The axis whose factors are these.
    fn product(outer: Self::Outer, inner: Self::Inner) -> Self;
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
        crate::size::product_of(&[self.0.len(), self.1.len()])
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.len()]
    }
}

#[diagnostic::do_not_recommend]
impl<A: Axis, B: Axis> Product for Flat<A, B> {
    type Outer = A;
    type Inner = B;

    fn factors(self) -> (A, B) {
        (self.0, self.1)
    }

    fn product(outer: A, inner: B) -> Self {
        Flat(outer, inner)
    }
}

/// The indices of `A`, then those of `B`: `Plus<Past, Seq>` is the positions in the cache followed by those of this
/// step ([`Uniform`](crate::Uniform)).
///
/// ```
/// use trine_shapes::*;
/// fn attend<P: Axis, S: Axis>(queries: S, keys: Plus<P, S>) {}
/// Past::scope(5, |past| Seq::scope(2, |seq| attend(seq, Plus(past, seq))));
/// ```
/// Keys in another order, or of this step alone, do not fit the queries:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn attend<P: Axis, S: Axis>(queries: S, keys: Plus<P, S>) {}
/// Past::scope(5, |past| Seq::scope(2, |seq| attend(seq, Plus(seq, past))));
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn attend<P: Axis, S: Axis>(queries: S, keys: Plus<P, S>) {}
/// Past::scope(5, |past| Seq::scope(2, |seq| attend(seq, seq)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plus<A, B>(pub A, pub B);

// Lawful: a function of two lawful axes.
#[diagnostic::do_not_recommend]
impl<A: Axis, B: Axis> Axis for Plus<A, B> {
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

/// A literal length: one sequence is `Fixed<1>`, and small programs need no more.
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
