//! Indices that are known to lie on their axis.

use crate::axis::Axis;
use crate::same::Same;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

/// A checked index: `Idx<Vocab<M>>` is a token id that is in the vocabulary of `M`, so looking up its embedding cannot
/// fail, and an id of another model's vocabulary has another type.
///
/// ```
/// use trine_shapes::*;
/// fn embedding<M: Model>(id: Idx<Vocab<M>>) {}
/// let id = Idx::new(Vocab::of(Bitnet2B4T), 128_000)?;
/// embedding::<Bitnet2B4T>(id);
/// # Ok::<(), NotAnIndex>(())
/// ```
/// Neither a bare number nor an index of another axis passes for it:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn embedding<M: Model>(id: Idx<Vocab<M>>) {}
/// embedding::<Bitnet2B4T>(128_000);
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn embedding<M: Model>(id: Idx<Vocab<M>>) {}
/// let id = Idx::new(Hidden::of(Bitnet2B4T), 128)?;
/// embedding::<Bitnet2B4T>(id);
/// # Ok::<(), NotAnIndex>(())
/// ```
#[repr(transparent)]
pub struct Idx<A>(u32, PhantomData<A>);

// Not derived: nothing is asked of the axis.
impl<A> Copy for Idx<A> {}
impl<A> Clone for Idx<A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A> PartialEq for Idx<A> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<A> Eq for Idx<A> {}
impl<A> Hash for Idx<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<A> fmt::Debug for Idx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Idx({})", self.0)
    }
}

/// An index beyond its axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("index {index} is not on axis `{axis}` of length {len}")]
pub struct NotAnIndex {
    /// The axis.
    pub axis: &'static str,
    /// Its length.
    pub len: usize,
    /// The index that was offered.
    pub index: u32,
}

impl<A: Axis> Idx<A> {
    /// Checks `index < axis.len()`.
    ///
    /// # Errors
    /// [`NotAnIndex`] where it is not.
    pub fn new(axis: A, index: u32) -> Result<Self, NotAnIndex> {
        if (index as usize) < axis.len() {
            Ok(Idx(index, PhantomData))
        } else {
            Err(NotAnIndex { axis: A::NAME, len: axis.len(), index })
        }
    }

    /// All indices of an axis, in order.
    ///
    /// # Panics
    /// If they do not fit in 32 bits.
    pub fn all(axis: A) -> impl Iterator<Item = Self> {
        let len = u32::try_from(axis.len()).expect("an axis whose indices have 32 bits");
        (0..len).map(|index| Idx(index, PhantomData))
    }

    /// The index as a number.
    #[inline]
    pub fn get(self) -> usize {
        self.0 as usize
    }

    /// The same index on an axis of equal length.
    pub fn relabel<B: Axis>(self, _proof: Same<A, B>) -> Idx<B> {
        Idx(self.0, PhantomData)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn an_index_is_checked_when_made() {
        assert_eq!(Idx::new(Fixed::<7>, 6).unwrap().get(), 6);
        let error = Idx::new(Fixed::<7>, 7).unwrap_err();
        assert_eq!(error.to_string(), "index 7 is not on axis `Fixed` of length 7");
    }
}
