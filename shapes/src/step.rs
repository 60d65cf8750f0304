//! The tokens of one step: an axis that knows which sequence brings how many, and how many positions it has before
//! them.
//!
//! What belongs here: the two kinds of step, and the axes that follow from a step. What does not: the memory of a
//! sequence, which the crate of the operations has.

use crate::axis::{Axis, Fixed, Named, Plain, Roleless};
use crate::scoped::Brand;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;
use trine_memory::product_of;

/// What one sequence brings to a step: positions before, and tokens now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Positions of earlier steps.
    pub past: usize,
    /// Tokens of this step.
    pub tokens: usize,
}

impl Span {
    /// The positions of the tokens.
    pub fn positions(self) -> Range<usize> {
        self.past..self.past + self.tokens
    }
}

/// A token axis that knows its sequences: the tokens of the first, then those of the second, and so on.
///
/// Operations that depend on positions (RoPE, attention) read them from here and take no second argument that could
/// disagree with the tensor.
///
/// There are two kinds, [`Uniform`] and [`Ragged`]: the tokens of all spans are as many as the axis is long, and each
/// sequence has one or more.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the token axis of a step",
    label = "expected `Uniform<Batch, Past, Seq>` or `Ragged<'_>`",
    note = "a tensor of axes `(Batch, Seq, X)` becomes one of `(Uniform<Batch, Past, Seq>, X)` by `in_step(step)`"
)]
pub trait Step: Roleless + sealed::Step {
    /// How many sequences take part.
    fn sequences(self) -> usize;

    /// What a sequence brings.
    ///
    /// # Panics
    /// If there is no such sequence.
    fn span(self, sequence: usize) -> Span;

    /// What each sequence brings, in order.
    fn spans(self) -> impl Iterator<Item = Span> {
        (0..self.sequences()).map(move |sequence| self.span(sequence))
    }

    /// The position of each token in its sequence.
    fn positions(self) -> impl Iterator<Item = usize> {
        self.spans().flat_map(Span::positions)
    }
}

mod sealed {
    pub trait Step {}
}

/// A rectangular step: `B` sequences of `S` tokens each, all behind `P` positions. Its elements lie as those of
/// `(B, S)`, so that a tensor changes between the two for nothing ([`in_step`](crate::Tensor::in_step),
/// [`batched`](crate::Tensor::batched)).
///
/// The state of the sequences makes it, so that `P` is what the state has and nothing else.
///
/// ```
/// use trine_shapes::*;
/// type Stream<B, P, S> = Tensor<f32, (Uniform<B, P, S>, Fixed<4>)>;
/// fn enter<B: Axis, P: Axis, S: Axis>(x: Tensor<f32, (B, S, Fixed<4>)>, step: Uniform<B, P, S>) -> Stream<B, P, S> {
///     x.in_step(step)
/// }
/// ```
/// Batch and sequence do not change places:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # type Stream<B, P, S> = Tensor<f32, (Uniform<B, P, S>, Fixed<4>)>;
/// fn enter<B: Axis, P: Axis, S: Axis>(x: Tensor<f32, (S, B, Fixed<4>)>, step: Uniform<B, P, S>) -> Stream<B, P, S> {
///     x.in_step(step)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Uniform<B, P, S> {
    batch: B,
    past: P,
    seq: S,
}

impl<B: Axis, P: Axis, S: Axis> Uniform<B, P, S> {
    /// The step of `batch` sequences with `seq` tokens each, behind `past` positions: the one way to make it without
    /// the state of the sequences. `reason` says to a reader why that is so.
    ///
    /// # Panics
    /// If the sequences have no tokens.
    #[inline]
    pub fn assume(batch: B, past: P, seq: S, reason: &'static str) -> Self
    where
        B: Plain,
        P: Plain,
        S: Plain,
    {
        assert!(seq.len() > 0, "a sequence of a step has tokens ({reason})");
        Uniform { batch, past, seq }
    }

    /// The sequences.
    #[inline]
    pub fn batch(self) -> B {
        self.batch
    }

    /// The positions before the step.
    #[inline]
    pub fn past(self) -> P {
        self.past
    }

    /// The tokens of each sequence.
    #[inline]
    pub fn seq(self) -> S {
        self.seq
    }
}

impl<B: Plain, S: Named> Uniform<B, Fixed<0>, S> {
    /// The step of `batch` whole sequences of `seq` tokens each, for networks that keep no state of them. Its type says
    /// that there is nothing before, so that no state takes it for a later step.
    ///
    /// ```
    /// use trine_shapes::*;
    /// axis! { struct Images = 2; struct Patches = 9; }
    /// type Encoded = Tensor<f32, (Uniform<Images, Fixed<0>, Patches>, Fixed<4>)>;
    /// fn tokens(x: Tensor<f32, (Images, Patches, Fixed<4>)>) -> Encoded {
    ///     x.in_step(Uniform::whole(Images, Patches))
    /// }
    /// ```
    /// Behind a past it is another step:
    /// ```compile_fail,E0308
    /// # use trine_shapes::*;
    /// # axis! { struct Images = 2; struct Patches = 9; }
    /// fn behind<P: Axis>(x: Tensor<f32, (Images, Patches, Fixed<4>)>, step: Uniform<Images, P, Patches>) {
    ///     let x: Tensor<f32, (Uniform<Images, P, Patches>, _)> = x.in_step(Uniform::whole(Images, Patches));
    /// }
    /// ```
    /// Positions have a name, so that they do not change places with sequences that are as many:
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// fn encode<P: Axis>(x: Tensor<f32, (Fixed<3>, Fixed<3>, Fixed<4>)>) {
    ///     x.in_step(Uniform::whole(Fixed, Fixed));
    /// }
    /// ```
    ///
    /// # Panics
    /// If the sequences have no tokens.
    #[inline]
    pub fn whole(batch: B, seq: S) -> Self {
        Uniform::assume(batch, Fixed::<0>, seq, "whole sequences have nothing before them")
    }
}

// Lawful: a function of lawful axes.
#[diagnostic::do_not_recommend]
impl<B: Axis, P: Axis, S: Axis> Axis for Uniform<B, P, S> {
    const NAME: &'static str = "Uniform";
    type Buf<T: Copy + Default> = Vec<T>;

    #[inline]
    fn len(self) -> usize {
        product_of(&[self.batch.len(), self.seq.len()])
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.len()]
    }
}

impl<B, P, S> sealed::Step for Uniform<B, P, S> {}

#[diagnostic::do_not_recommend]
impl<B: Axis, P: Axis, S: Axis> Step for Uniform<B, P, S> {
    #[inline]
    fn sequences(self) -> usize {
        self.batch.len()
    }

    #[inline]
    fn span(self, sequence: usize) -> Span {
        assert!(sequence < self.batch.len(), "sequence {sequence} of {}", self.batch.len());
        Span { past: self.past.len(), tokens: self.seq.len() }
    }
}

#[diagnostic::do_not_recommend]
impl<B: Axis, P: Axis, S: Axis> Roleless for Uniform<B, P, S> {}

/// A ragged step: sequences of any lengths behind any pasts, one after the other. Its type belongs to its scope, so
/// that tensors of two steps do not mix. The state of the sequences makes it.
///
/// ```
/// use trine_shapes::{Axis, Ragged, Span, Step};
/// let spans = [Span { past: 0, tokens: 5 }, Span { past: 17, tokens: 1 }];
/// let positions: Vec<usize> = Ragged::assume(&spans, "an example without state", |step| {
///     assert_eq!((step.len(), step.sequences()), (6, 2));
///     step.positions().collect()
/// });
/// assert_eq!(positions, [0, 1, 2, 3, 4, 17]);
/// ```
/// ```compile_fail,E0521
/// # use trine_shapes::{Axis, Ragged, Span};
/// # fn add<A: Axis>(left: A, right: A) {}
/// # let spans = [Span { past: 0, tokens: 5 }];
/// Ragged::assume(&spans, "one", |one| Ragged::assume(&spans, "other", |other| add(one, other)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ragged<'step> {
    spans: &'step [Span],
    tokens: usize,
    brand: Brand<'step>,
}

impl Ragged<'_> {
    /// Runs `body` with the step of these spans. No other scope can make its type. This is the one way to make a step
    /// without the state of its sequences; `reason` says to a reader why that is so.
    ///
    /// # Panics
    /// If a sequence has no tokens, or they are more than an address can count.
    pub fn assume<R>(spans: &[Span], reason: &'static str, body: impl for<'step> FnOnce(Ragged<'step>) -> R) -> R {
        assert!(spans.iter().all(|span| span.tokens > 0), "a sequence of a step has tokens ({reason})");
        let tokens = spans.iter().try_fold(0_usize, |sum, span| sum.checked_add(span.tokens));
        body(Ragged { spans, tokens: tokens.expect("tokens that can be counted"), brand: PhantomData })
    }
}

// Lawful: `assume` is the only maker, and each call has its own invariant lifetime.
#[diagnostic::do_not_recommend]
impl Axis for Ragged<'_> {
    const NAME: &'static str = "Ragged";
    type Buf<T: Copy + Default> = Vec<T>;

    #[inline]
    fn len(self) -> usize {
        self.tokens
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.len()]
    }
}

#[diagnostic::do_not_recommend]
impl Roleless for Ragged<'_> {}

impl sealed::Step for Ragged<'_> {}

#[diagnostic::do_not_recommend]
impl Step for Ragged<'_> {
    #[inline]
    fn sequences(self) -> usize {
        self.spans.len()
    }

    #[inline]
    fn span(self, sequence: usize) -> Span {
        self.spans[sequence]
    }
}

/// The sequences of a step: what [`last`](crate::View::last) and pooling leave of its tokens.
///
/// ```
/// use trine_shapes::*;
/// fn next<T: Step, M: Model>(logits: View<f32, (T, Vocab<M>)>) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
///     logits.last()
/// }
/// ```
/// Logits of all tokens are not those of the last ones:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// fn next<T: Step, M: Model>(logits: Tensor<f32, (T, Vocab<M>)>) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
///     logits
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sequences<T>(T);

impl<T: Step> Sequences<T> {
    /// The sequences of `step`.
    #[inline]
    pub fn of(step: T) -> Self {
        Sequences(step)
    }

    /// The step.
    #[inline]
    pub fn step(self) -> T {
        self.0
    }
}

// Lawful: a function of a lawful step.
#[diagnostic::do_not_recommend]
impl<T: Step> Axis for Sequences<T> {
    const NAME: &'static str = "Sequences";
    type Buf<U: Copy + Default> = Vec<U>;

    #[inline]
    fn len(self) -> usize {
        self.0.sequences()
    }

    fn buf<U: Copy + Default>(self) -> Vec<U> {
        vec![U::default(); self.len()]
    }
}

#[diagnostic::do_not_recommend]
impl<T: Step> Roleless for Sequences<T> {}

/// The positions that the tokens of `T` see: for each token those of its sequence up to its own. Keys and values that
/// were cached for a step carry it, so that attention cannot be given those of another step.
#[derive(Clone, Copy, Debug)]
pub struct Causal<T>(T);

impl<T: Step> Causal<T> {
    /// What the tokens of `step` see.
    #[inline]
    pub fn of(step: T) -> Self {
        Causal(step)
    }

    /// The step.
    #[inline]
    pub fn step(self) -> T {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_step_has_equal_spans() {
        let step = Uniform::assume(Fixed::<3>, Fixed::<7>, Fixed::<2>, "a test");
        assert_eq!((step.len(), step.sequences(), Sequences::of(step).len()), (6, 3, 3));
        assert!(step.spans().all(|span| span == Span { past: 7, tokens: 2 }));
        assert_eq!(step.positions().collect::<Vec<_>>(), [7, 8, 7, 8, 7, 8]);
        assert_eq!(Causal::of(step).step().len(), 6);
    }

    #[test]
    fn whole_sequences_have_nothing_before() {
        axis! { struct Patches = 3; }
        let step = Uniform::whole(Fixed::<2>, Patches);
        assert_eq!((step.positions().collect::<Vec<_>>(), step.sequences()), (vec![0, 1, 2, 0, 1, 2], 2));
    }

    #[test]
    fn a_ragged_step_has_the_spans_it_is_given() {
        let spans = [Span { past: 4, tokens: 1 }, Span { past: 0, tokens: 3 }, Span { past: 9, tokens: 1 }];
        Ragged::assume(&spans, "a test", |step| {
            assert_eq!((step.len(), step.sequences(), step.buf::<u8>().len()), (5, 3, 5));
            assert_eq!(step.spans().collect::<Vec<_>>(), spans);
            assert_eq!(step.positions().collect::<Vec<_>>(), [4, 0, 1, 2, 9]);
            assert_eq!(Sequences::of(step).step().len(), 5);
        });
    }

    #[test]
    #[should_panic(expected = "sequence 3 of 3")]
    fn a_uniform_step_has_no_more_sequences_than_its_batch() {
        Uniform::assume(Fixed::<3>, Fixed::<7>, Fixed::<2>, "a test").span(3);
    }
}
