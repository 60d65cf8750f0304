//! Declared models, models of files, and the choice between them for a file.
//!
//! What belongs here: which models there are. What does not: the axes that all of them have (`model.rs`).

use crate::dims::Dims;
use crate::environment::{Dyn, Environment};
use crate::model::Model;
use alloc::vec::Vec;

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
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name;

        // Lawful: a constant.
        #[diagnostic::do_not_recommend]
        impl $crate::Environment<$crate::Dims> for $name {
            const NAME: &'static str = stringify!($name);

            #[inline(always)]
            fn lengths(self) -> $crate::Dims {
                const LENGTHS: $crate::Dims = $crate::Dims {
                    vocab: $vocab,
                    hidden: $hidden,
                    ffn: $ffn,
                    kv_heads: $kv_heads,
                    group: $heads / $kv_heads,
                    head_dim: $head_dim,
                    attention_layers: $attention_layers,
                    recurrent: $crate::Recurrent::NONE,
                    experts: $crate::ExpertCounts::NONE,
                };
                LENGTHS
            }
        }

        const _: () = match $crate::Dims::new($crate::Sizes {
            vocab: $vocab,
            hidden: $hidden,
            ffn: $ffn,
            heads: $heads,
            kv_heads: $kv_heads,
            head_dim: $head_dim,
            attention_layers: $attention_layers,
        }) {
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
/// type again succeeds only with the same dimensions, and the weights of one type are those of one file
/// ([`Model::stands_for`]).
///
/// ```
/// use trine_shapes::{Axis, Dims, Hidden, Sizes};
/// trine_shapes::pinned_model! { pub struct Served; }
///
/// let dims = Dims::new(Sizes {
///     vocab: 320, hidden: 256, ffn: 512, heads: 8, kv_heads: 2, head_dim: 32, attention_layers: 3,
/// })?;
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

            fn stands_for(self, file: &str) -> Result<(), $crate::OtherFile> {
                static FILE: $crate::macro_support::OnceBox<$crate::macro_support::String> =
                    $crate::macro_support::OnceBox::new();
                $crate::macro_support::stand_for(stringify!($name), &FILE, file)
            }
        }
    };
}

#[diagnostic::do_not_recommend]
impl Model for Dyn<'_> {
    type HeadBuf<T: Copy + Default> = Vec<T>;

    fn head_buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.lengths().head_dim]
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
    use crate::{HeadDim, Heads, KvWidth, QWidth, Sizes};

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
        assert_eq!(
            dispatch(
                Dims::new(Sizes {
                    vocab: 320,
                    hidden: 256,
                    ffn: 512,
                    heads: 8,
                    kv_heads: 2,
                    head_dim: 48,
                    attention_layers: 3
                })
                .unwrap(),
                Describe
            ),
            ("Dyn", 384, 96)
        );
    }

    #[test]
    fn static_axes_take_no_space_and_their_head_buffer_is_an_array() {
        assert_eq!(size_of::<(Heads<Bitnet2B4T>, QWidth<Bitnet2B4T>)>(), 0);
        assert_eq!(size_of_val(&HeadDim::of(Bitnet2B4T).buf::<f32>()), 128 * 4);
    }

    #[test]
    fn a_pinned_model_keeps_its_first_dimensions() {
        pinned_model! { struct Pinned; }
        let dims = Dims::new(Sizes {
            vocab: 320,
            hidden: 256,
            ffn: 512,
            heads: 8,
            kv_heads: 2,
            head_dim: 32,
            attention_layers: 3,
        })
        .unwrap();
        let pinned = Pinned::pin(dims).unwrap();
        assert_eq!(Pinned::pin(dims).unwrap().dims(), pinned.dims());
        let error = Pinned::pin(Dims { ffn: 768, ..dims }).unwrap_err().to_string();
        assert!(error.contains("`Pinned` is pinned to") && error.contains("768"), "{error}");
    }

    #[test]
    fn a_pinned_model_stands_for_one_file_and_others_for_any() {
        pinned_model! { struct Once; }
        let once = Once::pin(Bitnet2B4T.dims()).unwrap();
        assert_eq!((once.stands_for("a.gguf"), once.stands_for("a.gguf")), (Ok(()), Ok(())));
        let error = once.stands_for("b.gguf").unwrap_err();
        assert_eq!(error.to_string(), "`Once` stands for a.gguf: declare another type for b.gguf");
        assert!(Bitnet2B4T.stands_for("a.gguf").is_ok() && Bitnet2B4T.stands_for("b.gguf").is_ok());
    }
}
