//! The axes of one computation: their lengths are run-time values, their types are unique to a scope.

use crate::axis::Axis;
use core::fmt;
use core::marker::PhantomData;

/// Invariant in `'scope`, so that no two scopes unify.
pub(crate) type Brand<'scope> = PhantomData<fn(&'scope ()) -> &'scope ()>;

macro_rules! scoped_axis {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// [`scope`](Self::scope) makes a fresh type for each call, so two of them never mix.
        #[derive(Clone, Copy)]
        pub struct $name<'scope>(usize, Brand<'scope>);

        impl<'scope> $name<'scope> {
            /// Runs `body` with a fresh axis of `len` indices. No other scope can make this type.
            pub fn scope<R>(len: usize, body: impl for<'fresh> FnOnce($name<'fresh>) -> R) -> R {
                body($name(len, PhantomData))
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        // Lawful: the brand is invariant and only `scope` makes a value.
        #[diagnostic::do_not_recommend]
        impl Axis for $name<'_> {
            const NAME: &'static str = stringify!($name);
            type Buf<T: Copy + Default> = Vec<T>;

            #[inline]
            fn len(self) -> usize {
                self.0
            }

            fn buf<T: Copy + Default>(self) -> Vec<T> {
                vec![T::default(); self.0]
            }
        }
    };
}

scoped_axis! {
    /// Sequences that are processed together.
    Batch
}
scoped_axis! {
    /// Positions of one step.
    Seq
}
scoped_axis! {
    /// Positions of earlier steps, in the cache.
    Past
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_gives_its_axis_a_length() {
        let n = Batch::scope(3, |batch| Seq::scope(5, |seq| (batch.len(), seq.len(), format!("{batch:?} {seq:?}"))));
        assert_eq!(n, (3, 5, "Batch(3) Seq(5)".to_owned()));
    }
}
