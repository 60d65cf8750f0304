//! The environment trait and the axes that it gives a length to.

use crate::axis::{Axis, Product};
use crate::dims::Dims;
use core::fmt::Debug;
use core::ops::DerefMut;

/// An environment: it gives every axis of a model its length.
///
/// **Law:** all values of one `Model` type that can exist at the same time report the same [`dims`](Model::dims).
/// [`static_model!`](crate::static_model), [`pinned_model!`](crate::pinned_model) and [`Dyn`](crate::Dyn) keep it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "declare one with `static_model!` or `pinned_model!`, or enter any dimensions with `Dyn::scope`"
)]
pub trait Model: Copy + Debug + Send + Sync {
    /// The name in error messages.
    const NAME: &'static str;

    /// Scratch of one head: an array on the stack where the head width is a type.
    type HeadBuf<T: Copy + Default>: DerefMut<Target = [T]>;

    /// The lengths of all axes.
    fn dims(self) -> Dims;

    /// Scratch of one head, [`Dims::head_dim`] default elements.
    fn head_buf<T: Copy + Default>(self) -> Self::HeadBuf<T>;
}

macro_rules! model_axis {
    ($($(#[$doc:meta])* $name:ident = $len:expr, $buf:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        pub struct $name<M>(M);

        impl<M: Model> $name<M> {
            /// This axis of model `m`.
            #[inline]
            pub fn of(m: M) -> Self {
                $name(m)
            }
        }

        // Lawful: a function of `M::dims`, which is one per type.
        #[diagnostic::do_not_recommend]
        impl<M: Model> Axis for $name<M> {
            const NAME: &'static str = stringify!($name);
            model_axis!(@buf $buf);

            #[inline]
            fn len(self) -> usize {
                let len: fn(Dims) -> usize = $len;
                len(self.0.dims())
            }
        }
    )*};
    (@buf heap) => {
        type Buf<T: Copy + Default> = Vec<T>;

        fn buf<T: Copy + Default>(self) -> Vec<T> {
            vec![T::default(); self.len()]
        }
    };
    (@buf head) => {
        type Buf<T: Copy + Default> = M::HeadBuf<T>;

        #[inline]
        fn buf<T: Copy + Default>(self) -> M::HeadBuf<T> {
            self.0.head_buf()
        }
    };
}

model_axis! {
    /// Residual width.
    Hidden = |d| d.hidden, heap;
    /// Width inside the feed-forward network.
    Ffn = |d| d.ffn, heap;
    /// Tokens of the vocabulary.
    Vocab = |d| d.vocab, heap;
    /// Key/value heads.
    KvHeads = |d| d.kv_heads, heap;
    /// Query heads per key/value head.
    Group = |d| d.group, heap;
    /// Query heads: `KvHeads x Group`.
    Heads = |d| d.heads(), heap;
    /// Width of one head: small and hot, so the one axis whose scratch can live on the stack.
    HeadDim = |d| d.head_dim, head;
    /// Width of the query projection: `Heads x HeadDim`. It need not be the residual width.
    QWidth = |d| d.heads() * d.head_dim, heap;
    /// Width of the key and value projections: `KvHeads x HeadDim`.
    KvWidth = |d| d.kv_heads * d.head_dim, heap;
}

macro_rules! product {
    ($($product:ident = $outer:ident x $inner:ident;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<M: Model> Product for $product<M> {
            type Outer = $outer<M>;
            type Inner = $inner<M>;

            fn factors(self) -> ($outer<M>, $inner<M>) {
                ($outer(self.0), $inner(self.0))
            }

            fn product(outer: $outer<M>, _: $inner<M>) -> Self {
                $product(outer.0)
            }
        }
    )*};
}

product! {
    Heads = KvHeads x Group;
    QWidth = Heads x HeadDim;
    KvWidth = KvHeads x HeadDim;
}
