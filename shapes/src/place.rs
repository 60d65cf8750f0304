//! Places in a shape as types: which axis is first, second or last, and the shapes that differ from it there.
//!
//! What belongs here: places, and how shapes differ at one. What does not: tensors of them
//! ([`View::concat`](crate::View::concat)), and products of axes ([`Product`](crate::Product)).

use crate::axis::Axis;
use crate::shape::Shape;

/// A place in a shape: [`First`] to [`Fifth`], or [`Last`]. There are no others, so that relations between shapes are
/// those of this module.
///
/// ```
/// use trine_shapes::*;
/// fn place<P: Place>(place: P) {}
/// place(Second);
/// ```
/// ```compile_fail,E0277
/// # use trine_shapes::*;
/// struct Sixth;
/// impl Place for Sixth {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a place in a shape",
    label = "expected `First` to `Fifth`, or `Last`"
)]
pub trait Place: sealed::Place {}

/// What only this crate implements: a relation between shapes that says anything of its own would give tensors roles.
pub(crate) mod sealed {
    use crate::axis::Axis;

    pub trait Place {}
    pub trait Tuple {}
    pub trait Order {}

    impl<A: Axis> Tuple for (A,) {}
    impl<A: Axis, B: Axis> Tuple for (A, B) {}
    impl<A: Axis, B: Axis, C: Axis> Tuple for (A, B, C) {}
    impl<A: Axis, B: Axis, C: Axis, D: Axis> Tuple for (A, B, C, D) {}
    impl<A: Axis, B: Axis, C: Axis, D: Axis, E: Axis> Tuple for (A, B, C, D, E) {}

    impl<A: Place, B: Place> Order for (A, B) {}
    impl<A: Place, B: Place, C: Place> Order for (A, B, C) {}
    impl<A: Place, B: Place, C: Place, D: Place> Order for (A, B, C, D) {}
}

macro_rules! place {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl sealed::Place for $name {}
        impl Place for $name {}
    )*};
}
place! {
    /// The first axis.
    First;
    /// The second axis.
    Second;
    /// The third axis.
    Third;
    /// The fourth axis.
    Fourth;
    /// The fifth axis.
    Fifth;
    /// The last axis of a shape of any rank.
    Last;
}

/// A shape that has an axis at place `P`: [`First`] to [`Fifth`], or [`Last`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no place `{P}`",
    label = "expected a shape with an axis there",
    note = "places are `First` to `Fifth`, and `Last`"
)]
pub trait At<P: Place>: Shape + sealed::Tuple {
    /// The axis at the place.
    type Here: Axis;

    /// The shape with another axis at the place.
    type With<X: Axis>: At<P, Here = X>;

    /// The number of the place, from 0.
    const PLACE: usize;

    /// The axis at the place.
    fn here(self) -> Self::Here;

    /// The shape with another axis at the place.
    fn with<X: Axis>(self, axis: X) -> Self::With<X>;
}

/// A shape that has the axis `A`, and others. `P` is its place, [`First`] to [`Fifth`], and follows from `A` where `A`
/// occurs once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no axis `{A}` beside others",
    label = "expected a shape of 2 to 5 axes with that axis"
)]
pub trait Without<A, P: Place>: At<P, Here = A> {
    /// The shape without the axis.
    type Rest: Shape;

    /// The shape without the axis.
    fn rest(self) -> Self::Rest;
}

/// A shape of 2 to 5 axes, seen as rows along the last one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rows",
    label = "expected a shape of 2 to 5 axes, the last of which is that of a row"
)]
pub trait Rows: At<Last> {
    /// The shape without the last axis: an element for each row.
    type Lead: Shape;

    /// The shape without the last axis.
    fn lead(self) -> Self::Lead;
}

/// A shape of 1 to 4 axes, which has room for one more.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no room for one more axis",
    label = "expected a shape of 1 to 4 axes"
)]
pub trait Room: Shape + sealed::Tuple {
    /// The shape with `N` before its first axis.
    type Under<N: Axis>: Shape;

    /// The shape with `N` behind its last axis.
    type Over<N: Axis>: Shape;

    /// The shape with `axis` before its first one.
    fn under<N: Axis>(self, axis: N) -> Self::Under<N>;

    /// The shape with `axis` behind its last one.
    fn over<N: Axis>(self, axis: N) -> Self::Over<N>;
}

/// A shape of 1 to 4 axes in which two axes can take the place of one.
pub trait Splits<P: Place>: At<P> {
    /// The shape with two axes at the place.
    type Split<X: Axis, Y: Axis>: Shape;

    /// The shape with two axes at the place.
    fn split<X: Axis, Y: Axis>(self, outer: X, inner: Y) -> Self::Split<X, Y>;
}

/// A shape of 2 to 5 axes in which one axis can take the place of that at `P` and the next one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no axis behind place `{P}`",
    label = "the axis at the place merges with the next one"
)]
pub trait Merges<P: Place>: Shape + sealed::Tuple {
    /// The axis at the place.
    type Outer: Axis;

    /// The next axis.
    type Inner: Axis;

    /// The shape with one axis in the place of both.
    type Merged<X: Axis>: Shape;

    /// Both axes.
    fn pair(self) -> (Self::Outer, Self::Inner);

    /// The shape with one axis in the place of both.
    fn merged<X: Axis>(self, axis: X) -> Self::Merged<X>;
}

/// A shape of 1 to 4 axes with room for one more at place `P`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no room for one more axis at place `{P}`",
    label = "expected a shape of 1 to 4 axes, and a place among them or behind the last one"
)]
pub trait Grows<P: Place>: Shape + sealed::Tuple {
    /// The shape with `N` at the place.
    type Grown<N: Axis>: Shape;

    /// Which axis that is, from 0.
    const PLACE: usize;

    /// The shape with `axis` at the place.
    fn grown<N: Axis>(self, axis: N) -> Self::Grown<N>;
}

macro_rules! at {
    ($($place:ident $index:literal: [$($before:ident)*] $here:ident [$($after:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, unused_variables, reason = "an axis has the name of its type")]
        impl<$($before: Axis,)* $here: Axis, $($after: Axis,)*> At<$place> for ($($before,)* $here, $($after,)*) {
            type Here = $here;
            type With<X: Axis> = ($($before,)* X, $($after,)*);
            const PLACE: usize = $index;

            #[inline]
            fn here(self) -> $here {
                let ($($before,)* $here, $($after,)*) = self;
                $here
            }

            #[inline]
            fn with<X: Axis>(self, axis: X) -> ($($before,)* X, $($after,)*) {
                let ($($before,)* $here, $($after,)*) = self;
                ($($before,)* axis, $($after,)*)
            }
        }
    )*};
}

macro_rules! without {
    ($($place:ident: [$($before:ident)*] $here:ident [$($after:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, unused_variables, reason = "an axis has the name of its type")]
        impl<$($before: Axis,)* $here: Axis, $($after: Axis,)*> Without<$here, $place>
            for ($($before,)* $here, $($after,)*)
        {
            type Rest = ($($before,)* $($after,)*);

            #[inline]
            fn rest(self) -> ($($before,)* $($after,)*) {
                let ($($before,)* $here, $($after,)*) = self;
                ($($before,)* $($after,)*)
            }
        }
    )*};
}

macro_rules! rows {
    ($([$($lead:ident)*] $last:ident;)*) => {$(
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, unused_variables, reason = "an axis has the name of its type")]
        impl<$($lead: Axis,)* $last: Axis> Rows for ($($lead,)* $last) {
            type Lead = ($($lead,)*);

            #[inline]
            fn lead(self) -> ($($lead,)*) {
                let ($($lead,)* $last) = self;
                ($($lead,)*)
            }
        }
    )*};
}

macro_rules! room {
    ($($axis:ident)*) => {
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, reason = "an axis has the name of its type")]
        impl<$($axis: Axis,)*> Room for ($($axis,)*) {
            type Under<N: Axis> = (N, $($axis,)*);
            type Over<N: Axis> = ($($axis,)* N,);

            #[inline]
            fn under<N: Axis>(self, axis: N) -> (N, $($axis,)*) {
                let ($($axis,)*) = self;
                (axis, $($axis,)*)
            }

            #[inline]
            fn over<N: Axis>(self, axis: N) -> ($($axis,)* N,) {
                let ($($axis,)*) = self;
                ($($axis,)* axis,)
            }
        }
    };
}

macro_rules! splits {
    ($($place:ident: [$($before:ident)*] $here:ident [$($after:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, unused_variables, reason = "an axis has the name of its type")]
        impl<$($before: Axis,)* $here: Axis, $($after: Axis,)*> Splits<$place> for ($($before,)* $here, $($after,)*) {
            type Split<X: Axis, Y: Axis> = ($($before,)* X, Y, $($after,)*);

            #[inline]
            fn split<X: Axis, Y: Axis>(self, outer: X, inner: Y) -> ($($before,)* X, Y, $($after,)*) {
                let ($($before,)* $here, $($after,)*) = self;
                ($($before,)* outer, inner, $($after,)*)
            }
        }
    )*};
}

macro_rules! merges {
    ($($place:ident: [$($before:ident)*] $outer:ident $inner:ident [$($after:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, unused_variables, reason = "an axis has the name of its type")]
        impl<$($before: Axis,)* $outer: Axis, $inner: Axis, $($after: Axis,)*> Merges<$place>
            for ($($before,)* $outer, $inner, $($after,)*)
        {
            type Outer = $outer;
            type Inner = $inner;
            type Merged<X: Axis> = ($($before,)* X, $($after,)*);

            #[inline]
            fn pair(self) -> ($outer, $inner) {
                let ($($before,)* $outer, $inner, $($after,)*) = self;
                ($outer, $inner)
            }

            #[inline]
            fn merged<X: Axis>(self, axis: X) -> ($($before,)* X, $($after,)*) {
                let ($($before,)* $outer, $inner, $($after,)*) = self;
                ($($before,)* axis, $($after,)*)
            }
        }
    )*};
}

macro_rules! grows {
    ($($place:ident $index:literal: [$($before:ident)*] [$($after:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, reason = "an axis has the name of its type")]
        impl<$($before: Axis,)* $($after: Axis,)*> Grows<$place> for ($($before,)* $($after,)*) {
            type Grown<N: Axis> = ($($before,)* N, $($after,)*);
            const PLACE: usize = $index;

            #[inline]
            fn grown<N: Axis>(self, axis: N) -> ($($before,)* N, $($after,)*) {
                let ($($before,)* $($after,)*) = self;
                ($($before,)* axis, $($after,)*)
            }
        }
    )*};
}

at! {
    First 0: [] A [];
    First 0: [] A [B];
    First 0: [] A [B C];
    First 0: [] A [B C D];
    First 0: [] A [B C D E];
    Second 1: [A] B [];
    Second 1: [A] B [C];
    Second 1: [A] B [C D];
    Second 1: [A] B [C D E];
    Third 2: [A B] C [];
    Third 2: [A B] C [D];
    Third 2: [A B] C [D E];
    Fourth 3: [A B C] D [];
    Fourth 3: [A B C] D [E];
    Fifth 4: [A B C D] E [];
    Last 0: [] A [];
    Last 1: [A] B [];
    Last 2: [A B] C [];
    Last 3: [A B C] D [];
    Last 4: [A B C D] E [];
}

without! {
    First: [] A [B];
    First: [] A [B C];
    First: [] A [B C D];
    First: [] A [B C D E];
    Second: [A] B [];
    Second: [A] B [C];
    Second: [A] B [C D];
    Second: [A] B [C D E];
    Third: [A B] C [];
    Third: [A B] C [D];
    Third: [A B] C [D E];
    Fourth: [A B C] D [];
    Fourth: [A B C] D [E];
    Fifth: [A B C D] E [];
}

rows! {
    [A] B;
    [A B] C;
    [A B C] D;
    [A B C D] E;
}

room!(A);
room!(A B);
room!(A B C);
room!(A B C D);

splits! {
    First: [] A [];
    First: [] A [B];
    First: [] A [B C];
    First: [] A [B C D];
    Second: [A] B [];
    Second: [A] B [C];
    Second: [A] B [C D];
    Third: [A B] C [];
    Third: [A B] C [D];
    Fourth: [A B C] D [];
    Last: [] A [];
    Last: [A] B [];
    Last: [A B] C [];
    Last: [A B C] D [];
}

merges! {
    First: [] A B [];
    First: [] A B [C];
    First: [] A B [C D];
    First: [] A B [C D E];
    Second: [A] B C [];
    Second: [A] B C [D];
    Second: [A] B C [D E];
    Third: [A B] C D [];
    Third: [A B] C D [E];
    Fourth: [A B C] D E [];
}

grows! {
    First 0: [] [A];
    First 0: [] [A B];
    First 0: [] [A B C];
    First 0: [] [A B C D];
    Second 1: [A] [];
    Second 1: [A] [B];
    Second 1: [A] [B C];
    Second 1: [A] [B C D];
    Third 2: [A B] [];
    Third 2: [A B] [C];
    Third 2: [A B] [C D];
    Fourth 3: [A B C] [];
    Fourth 3: [A B C] [D];
    Fifth 4: [A B C D] [];
    Last 1: [A] [];
    Last 2: [A B] [];
    Last 3: [A B C] [];
    Last 4: [A B C D] [];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    type Four = (Fixed<2>, Fixed<3>, Fixed<5>, Fixed<7>);
    const FOUR: Four = (Fixed, Fixed, Fixed, Fixed);

    fn rest_of<A, P: Place>(_: A, shape: impl Without<A, P>) -> Vec<usize> {
        shape.rest().lens().as_ref().to_vec()
    }

    #[test]
    fn an_axis_is_found_by_its_type() {
        assert_eq!(rest_of(Fixed::<5>, FOUR), [2, 3, 7]);
        assert_eq!(rest_of(Fixed::<2>, FOUR), [3, 5, 7]);
        assert_eq!((<Four as At<Third>>::PLACE, <Four as At<Last>>::PLACE), (2, 3));
    }

    #[test]
    fn shapes_change_at_a_place() {
        assert_eq!(At::<Second>::with(FOUR, Fixed::<11>).lens(), [2, 11, 5, 7]);
        assert_eq!(Splits::<Last>::split(FOUR, Fixed::<11>, Fixed::<13>).lens(), [2, 3, 5, 11, 13]);
        assert_eq!(Merges::<Second>::merged(FOUR, Fixed::<15>).lens(), [2, 15, 7]);
        assert_eq!((FOUR.lead().lens(), FOUR.under(Fixed::<1>).lens()), ([2, 3, 5], [1, 2, 3, 5, 7]));
        assert_eq!(FOUR.over(Fixed::<1>).lens(), [2, 3, 5, 7, 1]);
    }
}
