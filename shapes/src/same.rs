//! Evidence that two different axes have one length.

use crate::axis::Axis;
use core::marker::PhantomData;

/// Zero-sized evidence that axes `A` and `B` have the same length, made by one check.
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

/// Two axes whose lengths differ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{left}` has length {left_len} but `{right}` has length {right_len}")]
pub struct NotSame {
    /// Name of the first axis.
    pub left: &'static str,
    /// Its length.
    pub left_len: usize,
    /// Name of the second axis.
    pub right: &'static str,
    /// Its length.
    pub right_len: usize,
}

impl<A: Axis, B: Axis> Same<A, B> {
    /// Compares the two lengths.
    ///
    /// # Errors
    /// [`NotSame`] where they differ.
    pub fn check(left: A, right: B) -> Result<Self, NotSame> {
        if left.len() == right.len() {
            Ok(Same(PhantomData))
        } else {
            Err(NotSame { left: A::NAME, left_len: left.len(), right: B::NAME, right_len: right.len() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn evidence_needs_equal_lengths() {
        assert!(Same::check(Fixed::<7>, Fixed::<7>).is_ok());
        let error = Same::check(Fixed::<7>, Fixed::<8>).err().unwrap();
        assert_eq!(error.to_string(), "`Fixed` has length 7 but `Fixed` has length 8");
    }
}
