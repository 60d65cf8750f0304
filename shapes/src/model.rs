//! Language models: their environment trait and the axes that it gives a length to.

use crate::axis::Axis;
use crate::dims::Dims;
use crate::environment::Environment;
use crate::same::{Counterpart, Listed};
use alloc::string::String;
use core::ops::DerefMut;

/// The environment of a language model: it gives every axis of the model its length.
///
/// [`static_model!`](crate::static_model), [`pinned_model!`](crate::pinned_model) and [`Dyn`](crate::Dyn) make them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "declare one with `static_model!` or `pinned_model!`, or enter any dimensions with `Dyn::scope`"
)]
pub trait Model: Environment<Dims> {
    /// Scratch of one head: an array on the stack where the head width is a type.
    type HeadBuf<T: Copy + Default>: DerefMut<Target = [T]>;

    /// Scratch of one head, [`Dims::head_dim`] default elements.
    fn head_buf<T: Copy + Default>(self) -> Self::HeadBuf<T>;

    /// The lengths of all axes.
    #[inline(always)]
    fn dims(self) -> Dims {
        self.lengths()
    }

    /// Notes which file the weights of this type are from. A type of [`pinned_model!`](crate::pinned_model) stands for
    /// one file: another file of equal lengths would be the same type, and its tensors could be mixed with those of the
    /// first.
    ///
    /// # Errors
    /// [`OtherFile`] where the type stands for another file.
    fn stands_for(self, file: &str) -> Result<(), OtherFile> {
        let _ = file;
        Ok(())
    }
}

/// A type that stands for one file and is given another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{model}` stands for {first}: declare another type for {found}")]
pub struct OtherFile {
    /// The type.
    pub model: &'static str,
    /// The file that it stands for.
    pub first: String,
    /// The other file.
    pub found: String,
}

axis! {
    /// Residual width.
    pub struct Hidden<M: Model> = |dims| dims.hidden;
    /// Width inside the feed-forward network.
    pub struct Ffn<M: Model> = |dims| dims.ffn;
    /// Key/value heads.
    pub struct KvHeads<M: Model> = |dims| dims.kv_heads;
    /// Query heads per key/value head.
    pub struct Group<M: Model> = |dims| dims.group;
    /// Blocks that mix positions by attention: their weights and their keys and values have one index.
    pub struct AttentionLayers<M: Model> = |dims| dims.attention_layers;
    /// Blocks, whatever mixes positions in them.
    pub struct Blocks<M: Model> = |dims| dims.blocks();
}

axis!(@of
    /// Tokens of the vocabulary. Two models share one if all tokens are the same ([`Same::check_items`]).
    ///
    /// [`Same::check_items`]: crate::Same::check_items
    pub struct Vocab<M: Model>);
// Lawful: a function of `M::dims`, which is one per type.
axis!(@lawful [M: Model] Vocab<M>, Vocab, |axis| axis.0.dims().vocab);

#[diagnostic::do_not_recommend]
impl<M: Model, N: Model> Listed<Vocab<N>> for Vocab<M> {}

product! {
    /// Query heads: `KvHeads x Group`.
    pub struct Heads<M: Model> = KvHeads<M> x Group<M>;
    /// Width of the query projection: `Heads x HeadDim`. It need not be the residual width.
    pub struct QWidth<M: Model> = Heads<M> x HeadDim<M>;
    /// Width of the key and value projections: `KvHeads x HeadDim`.
    pub struct KvWidth<M: Model> = KvHeads<M> x HeadDim<M>;
}

axis!(@of
    /// Width of one head: small and hot, so the one axis whose scratch can live on the stack.
    pub struct HeadDim<M: Model>);
axis!(@plain [M: Model] HeadDim<M>);

#[diagnostic::do_not_recommend]
impl<M: Model, N: Model> Counterpart<HeadDim<N>> for HeadDim<M> {}

// Lawful: a function of `M::dims`, which is one per type.
#[diagnostic::do_not_recommend]
impl<M: Model> Axis for HeadDim<M> {
    const NAME: &'static str = "HeadDim";
    type Buf<T: Copy + Default> = M::HeadBuf<T>;

    #[inline]
    fn len(self) -> usize {
        self.0.dims().head_dim
    }

    #[inline]
    fn buf<T: Copy + Default>(self) -> M::HeadBuf<T> {
        self.0.head_buf()
    }
}
