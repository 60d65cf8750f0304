//! Evidence that an axis of one environment and its counterpart in another mean the same.

use crate::axis::{Axis, Plain};
use core::marker::PhantomData;

/// The axis that has the role of `Self` in another environment: `Ffn<N>` of `Ffn<M>`. `axis!` and `product!` declare it
/// for what they make.
#[diagnostic::on_unimplemented(
    message = "`{Self}` and `{B}` are not the same axis of two environments",
    label = "equal lengths do not make them one"
)]
pub trait Counterpart<B: Plain>: Plain {}

/// The axis of a list in another environment, such as a vocabulary: two are the same if all items are, not if they are
/// equally many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` and `{B}` are not lists that can be compared",
    label = "expected vocabularies of two models"
)]
pub trait Listed<B: Plain>: Plain {}

/// Zero-sized evidence that axis `A` and its counterpart `B` in another environment mean the same, made by one check.
///
/// It is the only bridge between two models: speculative decoding needs `Same<Vocab<Draft>, Vocab<Target>>` to hand a
/// token of one to the other.
///
/// ```
/// use trine_shapes::*;
/// pinned_model! { struct Draft; }
/// pinned_model! { struct Target; }
/// fn accepted(id: Idx<Vocab<Draft>>, same: Same<Vocab<Draft>, Vocab<Target>>) -> Idx<Vocab<Target>> {
///     id.relabel(same)
/// }
/// ```
/// Evidence about other axes, or in the other direction, is none:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # pinned_model! { struct Draft; }
/// # pinned_model! { struct Target; }
/// fn accepted(id: Idx<Vocab<Draft>>, same: Same<Hidden<Draft>, Hidden<Target>>) -> Idx<Vocab<Target>> {
///     id.relabel(same)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # pinned_model! { struct Draft; }
/// # pinned_model! { struct Target; }
/// fn accepted(id: Idx<Vocab<Draft>>, same: Same<Vocab<Target>, Vocab<Draft>>) -> Idx<Vocab<Target>> {
///     id.relabel(same)
/// }
/// ```
pub struct Same<A, B>(PhantomData<(A, B)>);

impl<A, B> Copy for Same<A, B> {}
impl<A, B> Clone for Same<A, B> {
    fn clone(&self) -> Self {
        *self
    }
}

/// Two axes that do not mean the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSame {
    /// The lengths differ.
    #[error("`{left}` has length {left_len} but `{right}` has length {right_len}")]
    Length {
        /// Name of the first axis.
        left: &'static str,
        /// Its length.
        left_len: usize,
        /// Name of the second axis.
        right: &'static str,
        /// Its length.
        right_len: usize,
    },
    /// An item differs.
    #[error("item {index} of `{axis}` is not the same in both lists")]
    Item {
        /// Name of the axis.
        axis: &'static str,
        /// The first index whose items differ.
        index: usize,
    },
}

impl NotSame {
    fn length<A: Axis, B: Axis>(left: A, right: B) -> Self {
        NotSame::Length { left: A::NAME, left_len: left.len(), right: B::NAME, right_len: right.len() }
    }
}

impl<A: Plain, B: Plain> Same<A, B> {
    /// Compares the two lengths.
    ///
    /// # Errors
    /// [`NotSame`] where they differ.
    pub fn check(left: A, right: B) -> Result<Self, NotSame>
    where
        A: Counterpart<B>,
    {
        if left.len() == right.len() { Ok(Same(PhantomData)) } else { Err(NotSame::length(left, right)) }
    }

    /// Compares two lists, such as the tokens of two vocabularies, item by item.
    ///
    /// ```
    /// use trine_shapes::*;
    /// fn shared<M: Model, N: Model>(draft: M, target: N, tokens: [&[&str]; 2]) -> Result<(), NotSame> {
    ///     Same::check_items((Vocab::of(draft), tokens[0]), (Vocab::of(target), tokens[1]))?;
    ///     Ok(())
    /// }
    /// ```
    /// Vocabularies of one length can have other tokens:
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// fn shared<M: Model, N: Model>(draft: M, target: N) -> Result<(), NotSame> {
    ///     Same::check(Vocab::of(draft), Vocab::of(target))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`NotSame`] where a list is not as long as its axis, or an item differs.
    pub fn check_items<X: PartialEq>((left, items): (A, &[X]), (right, others): (B, &[X])) -> Result<Self, NotSame>
    where
        A: Listed<B>,
    {
        if left.len() != right.len() || items.len() != left.len() || others.len() != right.len() {
            return Err(NotSame::length(left, right));
        }
        match items.iter().zip(others).position(|(item, other)| item != other) {
            None => Ok(Same(PhantomData)),
            Some(index) => Err(NotSame::Item { axis: A::NAME, index }),
        }
    }

    /// The same evidence the other way round.
    #[inline]
    pub fn flipped(self) -> Same<B, A> {
        Same(PhantomData)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dims, Dyn, Ffn, Hidden, Sizes, Vocab};

    #[test]
    fn evidence_needs_equal_lengths_or_equal_items() {
        let dims =
            Dims::new(Sizes { vocab: 3, hidden: 16, ffn: 24, heads: 2, kv_heads: 1, head_dim: 8, attention_layers: 1 })
                .unwrap();
        Dyn::scope(dims, |left| {
            Dyn::scope(Dims { ffn: 32, ..dims }, |right| {
                assert!(Same::check(Hidden::of(left), Hidden::of(right)).is_ok());
                let error = Same::check(Ffn::of(left), Ffn::of(right)).err().unwrap();
                assert_eq!(error.to_string(), "`Ffn` has length 24 but `Ffn` has length 32");
                let (left, right) = (Vocab::of(left), Vocab::of(right));
                assert!(Same::check_items((left, &["a", "b", "c"]), (right, &["a", "b", "c"])).is_ok());
                let error = Same::check_items((left, &["a", "b", "c"]), (right, &["a", "c", "b"])).err().unwrap();
                assert_eq!(error.to_string(), "item 1 of `Vocab` is not the same in both lists");
                assert!(Same::check_items((left, &["a", "b"]), (right, &["a", "b"])).is_err());
            });
        });
    }
}
