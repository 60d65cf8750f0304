//! The axes of one computation: their lengths are run-time values, their types are unique to a scope.

use core::fmt;
use core::marker::PhantomData;

/// Invariant in `'scope`, so that no two scopes unify.
pub(crate) type Brand<'scope> = PhantomData<fn(&'scope ()) -> &'scope ()>;

/// The length of a scoped axis: all that one type of it can hold are equal, because only `scope` makes a value.
#[derive(Clone, Copy)]
pub struct Length<'scope>(usize, Brand<'scope>);

impl Length<'_> {
    /// Runs `body` with a length that no other scope can make.
    pub fn scope<R>(len: usize, body: impl for<'fresh> FnOnce(Length<'fresh>) -> R) -> R {
        body(Length(len, PhantomData))
    }

    /// The number of indices.
    #[inline]
    pub fn get(self) -> usize {
        self.0
    }
}

impl fmt::Debug for Length<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

axis! {
    /// Sequences that are processed together.
    pub struct Batch<'scope>;
    /// Positions of one step.
    pub struct Seq<'scope>;
    /// Positions of earlier steps, in the cache.
    pub struct Past<'scope>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Axis;

    #[test]
    fn a_scope_gives_its_axis_a_length() {
        let n = Batch::scope(3, |batch| Seq::scope(5, |seq| (batch.len(), seq.len(), format!("{batch:?} {seq:?}"))));
        assert_eq!(n, (3, 5, "Batch(3) Seq(5)".to_owned()));
    }
}
