//! The three kinds of environment, and the choice between them for a file.
//!
//! | | dimensions | size | may live in a `'static` struct | how many |
//! |---|---|---|---|---|
//! | [`static_model!`](crate::static_model) | in the source | 0 | yes | as declared |
//! | [`pinned_model!`](crate::pinned_model) | of a file, fixed once | 0 | yes | one set per declared type |
//! | [`Dyn`] | of a file | one pointer | no, only inside its scope | any number |

use crate::dims::Dims;
use crate::model::Model;
use crate::scoped::Brand;
use alloc::boxed::Box;
use alloc::vec::Vec;
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

/// Declares a model whose dimensions are constants of the source: zero-sized, and its lengths fold.
///
/// Dimensions that contradict each other do not compile.
///
/// ```
/// trine_shapes::static_model! {
///     /// A toy.
///     pub struct Toy {
///         vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 2, head_dim: 16, attention_layers: 2,
///     }
/// }
/// use trine_shapes::{Axis, QWidth};
/// assert_eq!(QWidth::of(Toy).len(), 64);
/// ```
/// ```compile_fail
/// trine_shapes::static_model! {
///     struct Bad {
///         vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 3, head_dim: 16, attention_layers: 2,
///     }
/// }
/// ```
#[macro_export]
macro_rules! static_model {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        vocab: $vocab:expr, hidden: $hidden:expr, ffn: $ffn:expr,
        heads: $heads:expr, kv_heads: $kv_heads:expr, head_dim: $head_dim:expr,
        attention_layers: $attention_layers:expr $(,)?
    }) => {
        $crate::environment! {
            $(#[$doc])*
            $vis struct $name: $crate::Dims {
                vocab: $vocab,
                hidden: $hidden,
                ffn: $ffn,
                kv_heads: $kv_heads,
                group: $heads / $kv_heads,
                head_dim: $head_dim,
                attention_layers: $attention_layers,
            }
        }

        const _: () = match $crate::Dims::new(
            $vocab, $hidden, $ffn, $heads, $kv_heads, $head_dim, $attention_layers,
        ) {
            Ok(_) => {}
            Err($crate::DimsError::Heads { .. }) => panic!(concat!(stringify!($name), ": kv_heads must divide heads")),
            Err($crate::DimsError::OddHead(_)) => panic!(concat!(stringify!($name), ": head_dim must be even (RoPE)")),
            Err(_) => panic!(concat!(stringify!($name), ": every length must be positive and below 2^31")),
        };

        #[diagnostic::do_not_recommend]
        impl $crate::Model for $name {
            type HeadBuf<T: Copy + Default> = $crate::macro_support::GenericArray<T, $crate::tn!($head_dim)>;

            #[inline(always)]
            fn head_buf<T: Copy + Default>(self) -> Self::HeadBuf<T> {
                Default::default()
            }
        }
    };
}

static_model! {
    /// microsoft/bitnet-b1.58-2B-4T.
    pub struct Bitnet2B4T {
        vocab: 128256, hidden: 2560, ffn: 6912, heads: 20, kv_heads: 5, head_dim: 128, attention_layers: 30,
    }
}

/// Declares a model type whose dimensions are those of a file, fixed once for the life of the process.
///
/// It is nominal, zero-sized and `'static`: what an application that owns a model in a struct wants. Pinning the same
/// type again succeeds only with the same dimensions.
///
/// ```
/// use trine_shapes::{Axis, Dims, Hidden};
/// trine_shapes::pinned_model! { pub struct Served; }
///
/// let dims = Dims::new(320, 256, 512, 8, 2, 32, 3)?;
/// let served = Served::pin(dims)?;
/// assert_eq!(Hidden::of(served).len(), 256);
/// assert!(Served::pin(Dims { hidden: 512, ..dims }).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// The axes of two such types differ:
/// ```compile_fail,E0308
/// use trine_shapes::Hidden;
/// trine_shapes::pinned_model! { struct Draft; }
/// trine_shapes::pinned_model! { struct Target; }
/// fn target(hidden: Hidden<Draft>) -> Hidden<Target> {
///     hidden
/// }
/// ```
#[macro_export]
macro_rules! pinned_model {
    ($(#[$doc:meta])* $vis:vis struct $name:ident;) => {
        $crate::environment! { $(#[$doc])* $vis struct $name: $crate::Dims; }

        #[diagnostic::do_not_recommend]
        impl $crate::Model for $name {
            type HeadBuf<T: Copy + Default> = $crate::macro_support::Vec<T>;

            fn head_buf<T: Copy + Default>(self) -> Self::HeadBuf<T> {
                $crate::macro_support::zeros($crate::Environment::lengths(self).head_dim)
            }
        }
    };
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
    /// use trine_shapes::{Axis, Dims, Dyn, Ffn};
    /// let dims = Dims::new(320, 256, 512, 8, 2, 32, 3)?;
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

#[diagnostic::do_not_recommend]
impl Model for Dyn<'_> {
    type HeadBuf<T: Copy + Default> = Vec<T>;

    fn head_buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.0.head_dim]
    }
}

/// A program that runs on any model: what a generic closure would be.
pub trait WithModel {
    /// What the program returns.
    type Out;

    /// Runs the program on `m`.
    fn run<M: Model>(self, m: M) -> Self::Out;
}

/// Runs `program` on the static model that has these dimensions, else on a [`Dyn`].
///
/// The static models it knows: [`Bitnet2B4T`].
pub fn dispatch<V: WithModel>(dims: Dims, program: V) -> V::Out {
    if dims == Bitnet2B4T.dims() { program.run(Bitnet2B4T) } else { Dyn::scope(dims, |model| program.run(model)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Axis;
    use crate::{HeadDim, Heads, KvWidth, QWidth};

    struct Describe;
    impl WithModel for Describe {
        type Out = (&'static str, usize, usize);
        fn run<M: Model>(self, m: M) -> Self::Out {
            (M::NAME, QWidth::of(m).len(), KvWidth::of(m).len())
        }
    }

    #[test]
    fn dispatch_prefers_the_static_model() {
        assert_eq!(dispatch(Bitnet2B4T.dims(), Describe), ("Bitnet2B4T", 2560, 640));
        assert_eq!(dispatch(Dims::new(320, 256, 512, 8, 2, 48, 3).unwrap(), Describe), ("Dyn", 384, 96));
    }

    #[test]
    fn static_axes_take_no_space_and_their_head_buffer_is_an_array() {
        assert_eq!(size_of::<(Heads<Bitnet2B4T>, QWidth<Bitnet2B4T>)>(), 0);
        assert_eq!(size_of_val(&HeadDim::of(Bitnet2B4T).buf::<f32>()), 128 * 4);
    }

    #[test]
    fn a_pinned_model_keeps_its_first_dimensions() {
        pinned_model! { struct Pinned; }
        let dims = Dims::new(320, 256, 512, 8, 2, 32, 3).unwrap();
        let pinned = Pinned::pin(dims).unwrap();
        assert_eq!(Pinned::pin(dims).unwrap().dims(), pinned.dims());
        let error = Pinned::pin(Dims { ffn: 768, ..dims }).unwrap_err().to_string();
        assert!(error.contains("`Pinned` is pinned to") && error.contains("768"), "{error}");
    }
}
