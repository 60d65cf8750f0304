//! Axes whose tensors can be added up and multiplied by numbers without losing what they say.
//!
//! What belongs here: which axes these are. What does not: which of them a matrix makes ([`Made`](crate::Made)), and
//! arithmetic.

use crate::axis::{Axis, Roleless};
use crate::place::sealed;
use crate::shape::Shape;

/// An axis that sums and multiples of tensors keep: one without a role, or a role that a matrix makes, as
/// `W x + W' x = (W + W') x` and `a W x = (a W) x`. Gates, values and branches are such roles. Norms, rotations and
/// probabilities are none.
#[diagnostic::on_unimplemented(
    message = "sums and multiples do not keep `{Self}`",
    label = "the result would claim what is no longer true of it",
    note = "axes without a role keep what they say, and so do `Gate<A>`, `Value<A>` and `Branch<A>`"
)]
pub trait Additive: Axis {}

#[diagnostic::do_not_recommend]
impl<A: Roleless> Additive for A {}

/// A shape that sums and multiples keep: its last axis is [`Additive`], and the others have no role.
#[diagnostic::on_unimplemented(
    message = "sums and multiples do not keep the shape `{Self}`",
    label = "one of its axes would claim what is no longer true of it",
    note = "the last axis has no role or one that a matrix makes (`Gate<A>`, `Value<A>`, `Branch<A>`), the others none",
    note = "a type parameter says so by its bound: `T: Roleless`, and `M: Model` for that of `Hidden<M>`"
)]
pub trait AdditiveShape: Shape + sealed::Tuple {}

macro_rules! additive_shape {
    ($($axis:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($axis: Roleless,)* L: Additive> AdditiveShape for ($($axis,)* L,) {}
    };
}
additive_shape!();
additive_shape!(A);
additive_shape!(A B);
additive_shape!(A B C);
additive_shape!(A B C D);
