//! Scores, probabilities and their logarithms: what the numbers along an axis are to each other.
//!
//! What belongs here: the two roles that softmax gives, and the axis that scores are of. What does not: arithmetic.

use crate::axis::{Axis, Plain, Roleless};
use crate::role::marked_axis;
use alloc::vec::Vec;

/// Axis `A` whose numbers are a distribution: none is negative, and they add up to 1 but for rounding. Softmax makes
/// it, of logits with axis `A`.
///
/// ```
/// use trine_shapes::*;
/// fn softmax<M: Model>(logits: Vocab<M>) -> Probability<Vocab<M>> {
///     Probability::of(logits)
/// }
/// ```
/// Probabilities are no logits:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn softmax<M: Model>(logits: Vocab<M>) -> Probability<Vocab<M>> {
/// #     Probability::of(logits)
/// # }
/// fn twice<M: Model>(logits: Vocab<M>) -> Probability<Vocab<M>> {
///     softmax(softmax(logits))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Probability<A>(A);

impl<A: Axis> Probability<A> {
    /// The axis `A` of a distribution.
    #[inline]
    pub fn of(axis: A) -> Self {
        Probability(axis)
    }
}
marked_axis!(Probability<A>, A);

/// Axis `A` whose numbers are the natural logarithms of a distribution. Log-softmax makes it.
#[derive(Clone, Copy, Debug)]
pub struct LogProbability<A>(A);

impl<A: Axis> LogProbability<A> {
    /// The axis `A` of the logarithms of a distribution.
    #[inline]
    pub fn of(axis: A) -> Self {
        LogProbability(axis)
    }
}
marked_axis!(LogProbability<A>, A);

/// An axis whose numbers can be ranked: one without a role, probabilities or their logarithms. Which one is the largest
/// is an index of the axis without its role.
#[diagnostic::on_unimplemented(
    message = "the numbers along `{Self}` are not ranked",
    label = "expected an axis without a role, `Probability<A>` or `LogProbability<A>`"
)]
pub trait Ranked: Axis {
    /// The axis without its role.
    type Of: Axis;

    /// The axis without its role.
    fn ranked(self) -> Self::Of;
}

#[diagnostic::do_not_recommend]
impl<A: Roleless> Ranked for A {
    type Of = A;

    #[inline]
    fn ranked(self) -> A {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<A: Roleless> Ranked for Probability<A> {
    type Of = A;

    #[inline]
    fn ranked(self) -> A {
        self.0
    }
}

#[diagnostic::do_not_recommend]
impl<A: Roleless> Ranked for LogProbability<A> {
    type Of = A;

    #[inline]
    fn ranked(self) -> A {
        self.0
    }
}

/// The `K` largest along an axis `A`, or all of them where `A` has fewer: the length is the smaller of both.
///
/// ```
/// use trine_shapes::{Axis, Fixed, Top};
/// assert_eq!((Top(Fixed::<3>, Fixed::<7>).len(), Top(Fixed::<9>, Fixed::<7>).len()), (3, 7));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Top<K, A>(pub K, pub A);

// Lawful: a function of two lawful axes.
#[diagnostic::do_not_recommend]
impl<K: Axis, A: Axis> Axis for Top<K, A> {
    const NAME: &'static str = "Top";
    type Buf<T: Copy + Default> = Vec<T>;

    #[inline]
    fn len(self) -> usize {
        self.0.len().min(self.1.len())
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.len()]
    }
}

#[diagnostic::do_not_recommend]
impl<K: Plain, A: Plain> Plain for Top<K, A> {}
#[diagnostic::do_not_recommend]
impl<K: Roleless, A: Roleless> Roleless for Top<K, A> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn a_distribution_keeps_the_length_and_ranks_the_axis_without_its_role() {
        let probability = Probability::of(Fixed::<6>);
        assert_eq!((probability.len(), probability.inner().len(), probability.ranked()), (6, 6, Fixed::<6>));
        let logarithm = LogProbability::of(Fixed::<5>);
        assert_eq!((logarithm.len(), logarithm.ranked(), Fixed::<4>.ranked()), (5, Fixed::<5>, Fixed::<4>));
    }
}
