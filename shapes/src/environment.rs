//! Environments: what gives the axes of a program their lengths. Those of models are of three kinds:
//!
//! | | dimensions | size | may live in a `'static` struct | how many |
//! |---|---|---|---|---|
//! | [`static_model!`](crate::static_model) | in the source | 0 | yes | as declared |
//! | [`pinned_model!`](crate::pinned_model) | of a file, fixed once | 0 | yes | one set per declared type |
//! | [`Dyn`] | of a file | one pointer | no, only inside its scope | any number |

use crate::dims::Dims;
use crate::scoped::Brand;
use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;

/// What gives the axes of a program their lengths, which are the fields of `L`.
///
/// **Law:** all values of one `Environment` type that can exist at the same time report the same
/// [`lengths`](Environment::lengths). [`environment!`](crate::environment) and [`Dyn`] keep it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give the lengths of `{L}`",
    note = "declare an environment with `environment!`, or enter any lengths with `Dyn::scope`"
)]
pub trait Environment<L>: Copy + fmt::Debug + Send + Sync {
    /// The name in error messages.
    const NAME: &'static str;

    /// The lengths.
    fn lengths(self) -> L;
}

/// Other lengths than a pinned environment already has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{environment}` is pinned to {expected:?} for this process and cannot take {found:?}")]
pub struct AlreadyPinned<L: fmt::Debug> {
    /// The pinned type.
    pub environment: &'static str,
    /// Its lengths.
    pub expected: Box<L>,
    /// The lengths that were offered.
    pub found: Box<L>,
}

/// An environment with lengths of run time, such as the dimensions of a file, branded by a scope: any number of them,
/// and no two mix.
#[derive(Clone, Copy)]
pub struct Dyn<'scope, L = Dims>(&'scope L, Brand<'scope>);

impl<L: fmt::Debug> fmt::Debug for Dyn<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dyn").field(self.0).finish()
    }
}

impl<L> Dyn<'_, L> {
    /// Runs `body` with a model of these dimensions. No other scope can make this type, so two models that are open at
    /// the same time do not mix, not even where their dimensions agree.
    ///
    /// ```
    /// use trine_shapes::{Axis, Dims, Dyn, Ffn, Sizes};
    /// let dims = Dims::new(Sizes {
    ///     vocab: 320, hidden: 256, ffn: 512, heads: 8, kv_heads: 2, head_dim: 32, attention_layers: 3,
    /// })?;
    /// assert_eq!(Dyn::scope(dims, |model| Ffn::of(model).len()), 512);
    /// # Ok::<(), trine_shapes::DimsError>(())
    /// ```
    /// ```
    /// use trine_shapes::*;
    /// fn add<A: Axis>(left: A, right: A) {}
    /// fn both(dims: Dims) {
    ///     Dyn::scope(dims, |a| Dyn::scope(dims, |b| add(Hidden::of(a), Hidden::of(a))))
    /// }
    /// ```
    /// ```compile_fail,E0521
    /// # use trine_shapes::*;
    /// # fn add<A: Axis>(left: A, right: A) {}
    /// fn both(dims: Dims) {
    ///     Dyn::scope(dims, |a| Dyn::scope(dims, |b| add(Hidden::of(a), Hidden::of(b))))
    /// }
    /// ```
    pub fn scope<R>(lengths: L, body: impl for<'fresh> FnOnce(Dyn<'fresh, L>) -> R) -> R {
        body(Dyn(&lengths, PhantomData))
    }
}

// Lawful: `scope` is the only maker and each call has its own invariant lifetime.
#[diagnostic::do_not_recommend]
impl<L: Copy + fmt::Debug + Send + Sync> Environment<L> for Dyn<'_, L> {
    const NAME: &'static str = "Dyn";

    #[inline(always)]
    fn lengths(self) -> L {
        *self.0
    }
}
