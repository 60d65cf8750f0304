//! What a tensor is for, as part of its axis: rotated or not, a gate, values, a branch; norms have a file of their own.
//!
//! Several tensors of a transformer share a width and differ only in role. A swap would read well-formed numbers and
//! compute nonsense, so the role is in the type: the query projection takes `Normed<AttnNorm, Hidden<M>>`, and neither
//! the raw residual stream nor the output of the FFN's norm is that.

use crate::additive::Additive;
use crate::axis::{Axis, Factored, Plain, Product};
use core::fmt::Debug;
use core::marker::PhantomData;

/// What was done to a tensor, as a wrapper of the axis that it was done to.
///
/// Values of a role can be made freely, as they describe what weights and caches take. Tensors cannot: only the
/// operation gives a tensor the role.
pub trait Role: Axis {
    /// The axis without the role.
    type Plain: Plain;

    /// The axis without the role.
    fn inner(self) -> Self::Plain;
}

/// What the product with a matrix makes: a plain axis, a gate, values, a branch, or a role of [`role!`](crate::role)
/// that says so. All other roles have operations of their own.
#[diagnostic::on_unimplemented(
    message = "a matrix does not make `{Self}`",
    label = "the rows of a matrix are a plain axis, `Gate<A>`, `Value<A>` or `Branch<A>`",
    note = "a norm makes `Normed<R, A>`, RoPE `Rotated<D>`"
)]
pub trait Made: Additive {}

#[diagnostic::do_not_recommend]
impl<A: Plain> Made for A {}

macro_rules! marked_axis {
    ($marked:ty, $axis:ident $(, $role:ident: $bound:path)?) => {
        // Lawful: the length of a lawful axis.
        #[diagnostic::do_not_recommend]
        impl<$axis: Axis $(, $role: $bound)?> Axis for $marked {
            const NAME: &'static str = $axis::NAME;
            type Buf<T: Copy + Default> = $axis::Buf<T>;

            #[inline]
            fn len(self) -> usize {
                self.0.len()
            }

            fn buf<T: Copy + Default>(self) -> $axis::Buf<T> {
                self.0.buf()
            }
        }

        impl<$axis: Axis $(, $role: $bound)?> $marked {
            /// The axis without the role.
            #[inline]
            pub fn inner(self) -> $axis {
                self.0
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$axis: $crate::Plain $(, $role: $bound)?> $crate::Role for $marked {
            type Plain = $axis;

            #[inline]
            fn inner(self) -> $axis {
                self.0
            }
        }
    };
}
pub(crate) use marked_axis;

/// Axis `D` after RoPE. Only rotated keys enter the cache, and nothing is rotated twice.
///
/// ```
/// use trine_shapes::*;
/// fn rotate<M: Model>(head: HeadDim<M>) -> Rotated<HeadDim<M>> {
///     Rotated::of(head)
/// }
/// fn cached<M: Model>(head: Rotated<HeadDim<M>>) {}
/// fn keys<M: Model>(head: HeadDim<M>) {
///     cached(rotate(head))
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn cached<M: Model>(head: Rotated<HeadDim<M>>) {}
/// fn keys<M: Model>(head: HeadDim<M>) {
///     cached(head)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn rotate<M: Model>(head: HeadDim<M>) -> Rotated<HeadDim<M>> {
/// #     Rotated::of(head)
/// # }
/// # fn cached<M: Model>(head: Rotated<HeadDim<M>>) {}
/// fn keys<M: Model>(head: HeadDim<M>) {
///     cached(rotate(rotate(head)))
/// }
/// ```
///
/// `P` says which elements rotated together. A program that has it in its source ([`NeoX`], [`Adjacent`]) cannot mix
/// the two; a program that runs any file has it from there ([`RopePairing`]) and need not name it.
/// ```
/// use trine_shapes::*;
/// fn attend<M: Model, P: Pairing>(query: Rotated<HeadDim<M>, P>, key: Rotated<HeadDim<M>, P>) {}
/// fn head<M: Model>(query: Rotated<HeadDim<M>, NeoX>, key: Rotated<HeadDim<M>, NeoX>) {
///     attend(query, key)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn attend<M: Model, P: Pairing>(query: Rotated<HeadDim<M>, P>, key: Rotated<HeadDim<M>, P>) {}
/// fn head<M: Model>(query: Rotated<HeadDim<M>, NeoX>, key: Rotated<HeadDim<M>, Adjacent>) {
///     attend(query, key)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rotated<D, P = RopePairing>(D, PhantomData<P>);

impl<D: Axis, P: Pairing> Rotated<D, P> {
    /// The axis `D`, rotated.
    #[inline]
    pub fn of(axis: D) -> Self {
        Rotated(axis, PhantomData)
    }
}
marked_axis!(Rotated<D, P>, D, P: Pairing);

/// Axis `A` of a row that stands for a whole sequence: an embedding of a text. No matrix takes it, and no head.
#[derive(Clone, Copy, Debug)]
pub struct Pooled<A>(A);

impl<A: Axis> Pooled<A> {
    /// The axis `A`, of rows that stand for sequences.
    #[inline]
    pub fn of(axis: A) -> Self {
        Pooled(axis)
    }
}
marked_axis!(Pooled<A>, A);

/// Which elements of a head rotate together, as models differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopePairing {
    /// Element `i` with element `i + n/2`: GPT-NeoX, HF transformers, the `bitnet*` architectures.
    NeoX,
    /// Element `2i` with element `2i + 1`: the original paper, the `llama` architecture in GGUF files.
    Adjacent,
}

/// A pairing of elements in rotary position embedding: chosen at run time ([`RopePairing`]) or in the source.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which elements rotate together",
    label = "expected `NeoX`, `Adjacent`, or a `RopePairing` that is known at run time"
)]
pub trait Pairing: Copy + Debug + Send + Sync + 'static {
    /// The pairing.
    fn pairing(self) -> RopePairing;
}

impl Pairing for RopePairing {
    #[inline]
    fn pairing(self) -> RopePairing {
        self
    }
}

/// [`RopePairing::NeoX`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct NeoX;

impl Pairing for NeoX {
    #[inline]
    fn pairing(self) -> RopePairing {
        RopePairing::NeoX
    }
}

/// [`RopePairing::Adjacent`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct Adjacent;

impl Pairing for Adjacent {
    #[inline]
    fn pairing(self) -> RopePairing {
        RopePairing::Adjacent
    }
}

/// Axis `A` of a gate before its activation: `Gate<Ffn<M>>` is what `W_gate` makes. Only what was gated has axis `A`.
///
/// ```
/// use trine_shapes::*;
/// fn gated<A: Axis>(gate: Gate<A>, up: A) -> A {
///     up
/// }
/// fn feed_forward<M: Model>(gate: Gate<Ffn<M>>, up: Ffn<M>) -> Ffn<M> {
///     gated(gate, up)
/// }
/// ```
/// The gate and what it multiplies are as wide as each other, but not the same:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn gated<A: Axis>(gate: Gate<A>, up: A) -> A {
/// #     up
/// # }
/// fn feed_forward<M: Model>(gate: Gate<Ffn<M>>, up: Ffn<M>) -> Ffn<M> {
///     gated(up, gate)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gate<A>(A);

impl<A: Axis> Gate<A> {
    /// The axis `A` of a gate.
    #[inline]
    pub fn of(axis: A) -> Self {
        Gate(axis)
    }
}
marked_axis!(Gate<A>, A);

#[diagnostic::do_not_recommend]
impl<A: Plain> Additive for Gate<A> {}
#[diagnostic::do_not_recommend]
impl<A: Plain> Made for Gate<A> {}

/// Axis `A` of the values that attention adds up: `Value<KvWidth<M>>` is what `W_v` makes, and it splits into
/// `KvHeads x Value<HeadDim>`. Keys have the plain axes.
///
/// ```
/// use trine_shapes::*;
/// fn rotate<D: Axis>(keys: Tensor<f32, (Fixed<1>, Fixed<8>, D)>, head: D) {}
/// fn keys<M: Model>(keys: Tensor<f32, (Fixed<1>, Fixed<8>, HeadDim<M>)>, head: HeadDim<M>) {
///     rotate(keys, head)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn rotate<D: Axis>(keys: Tensor<f32, (Fixed<1>, Fixed<8>, D)>, head: D) {}
/// fn keys<M: Model>(values: Tensor<f32, (Fixed<1>, Fixed<8>, Value<HeadDim<M>>)>, head: HeadDim<M>) {
///     rotate(values, head)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Value<A>(A);

impl<A: Axis> Value<A> {
    /// The axis `A` of values.
    #[inline]
    pub fn of(axis: A) -> Self {
        Value(axis)
    }
}
marked_axis!(Value<A>, A);

#[diagnostic::do_not_recommend]
impl<A: Plain> Additive for Value<A> {}
#[diagnostic::do_not_recommend]
impl<A: Plain> Made for Value<A> {}

// Lawful: the factors of a lawful product, one of them marked.
impl<A: Factored> crate::axis::sealed::Product for Value<A> {}

#[diagnostic::do_not_recommend]
impl<A: Factored> Product for Value<A> {
    type Outer = A::Slow;
    type Inner = Value<A::Fast>;

    #[inline]
    fn factors(self) -> (A::Slow, Value<A::Fast>) {
        let (outer, inner) = self.0.parts();
        (outer, Value(inner))
    }

    #[inline]
    fn product(outer: A::Slow, inner: Value<A::Fast>) -> Self {
        Value(A::whole(outer, inner.0))
    }
}

/// Axis `A` of what a mixer or a feed-forward network gives back to the residual stream: `Branch<Hidden<M>>` is what
/// `W_o` and `W_down` make. Adding it to the stream is what it is for; a norm of the stream does not take it.
///
/// ```
/// use trine_shapes::*;
/// fn normalise<M: Model>(stream: Hidden<M>) {}
/// fn add<A: Axis>(stream: A, branch: Branch<A>) -> A {
///     stream
/// }
/// fn block<M: Model>(stream: Hidden<M>, branch: Branch<Hidden<M>>) {
///     normalise(add(stream, branch))
/// }
/// ```
/// The next norm is of the sum:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn normalise<M: Model>(stream: Hidden<M>) {}
/// fn block<M: Model>(stream: Hidden<M>, branch: Branch<Hidden<M>>) {
///     normalise(branch)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Branch<A>(A);

impl<A: Axis> Branch<A> {
    /// The axis `A` of a branch.
    #[inline]
    pub fn of(axis: A) -> Self {
        Branch(axis)
    }
}
marked_axis!(Branch<A>, A);

#[diagnostic::do_not_recommend]
impl<A: Plain> Additive for Branch<A> {}
#[diagnostic::do_not_recommend]
impl<A: Plain> Made for Branch<A> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::{Fixed, Flat};

    #[test]
    fn a_role_changes_the_type_and_keeps_the_length() {
        assert_eq!(Rotated::<_, RopePairing>::of(Fixed::<4>).len(), 4);
        assert_eq!((Gate::of(Fixed::<5>).len(), Gate::of(Fixed::<5>).inner().len()), (5, 5));
        assert_eq!((Branch::of(Fixed::<5>).len(), Branch::of(Fixed::<5>).inner().len()), (5, 5));
    }

    #[test]
    fn values_split_into_heads_of_values() {
        let (heads, head) = Value::of(Flat(Fixed::<2>, Fixed::<3>)).factors();
        assert_eq!((heads.len(), head.len(), head.inner().len()), (2, 3, 3));
        assert_eq!(Value::<Flat<Fixed<2>, Fixed<3>>>::product(heads, head).len(), 6);
    }

    #[test]
    fn pairings_as_types_are_those_of_run_time() {
        assert_eq!((NeoX.pairing(), Adjacent.pairing()), (RopePairing::NeoX, RopePairing::Adjacent));
        assert_eq!(RopePairing::Adjacent.pairing(), RopePairing::Adjacent);
    }
}
