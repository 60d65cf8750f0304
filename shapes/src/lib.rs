//! Tensor shapes as types: a length mismatch is a type mismatch.
//!
//! A shape is a tuple of named axes. A function says which of them it needs to know and leaves the others open:
//! `(B, S, Hidden<M>)` with `B: Axis, S: Axis`, or, where positions matter, `(T, Hidden<M>)` with the tokens `T` of a
//! [`Step`]. An axis carries a *role* and, for the axes of a model, the *environment* `M` that gives it a length; it
//! never carries a number. Two values of one axis type have one length, also for sizes that were read from a file, so
//! equal types mean equal sizes and no operation on typed tensors can fail.
//!
//! | question | answer in types |
//! |---|---|
//! | which widths must agree? | the same axis type: [`Hidden<M>`](Hidden), [`Ffn<M>`](Ffn), [`Vocab<M>`](Vocab) |
//! | how do heads make up a width? | products: `QWidth = Heads x HeadDim`, `Heads = KvHeads x Group` ([`Product`]) |
//! | whose tokens, behind which positions? | the step: [`Uniform<Batch, Past, Seq>`](Uniform), [`Ragged`] ([`Step`]) |
//! | which positions may attention see? | those of the step, and before: [`Causal<T>`](Causal) |
//! | which expert's weights? | [`Idx<Experts<M>>`](Experts) |
//! | which layer's weights, whose state? | one index: [`Idx<AttentionLayers<M>>`](AttentionLayers) ([`PerLayer`]) |
//! | was this normalised, and by which gain? | [`Normed<AttnNorm, Hidden<M>>`](Normed) |
//! | was this rotated? | [`Rotated<HeadDim<M>>`](Rotated) |
//! | is this a gate, or values? | [`Gate<Ffn<M>>`](Gate), [`Value<KvWidth<M>>`](Value) |
//! | are these logits, or probabilities? | [`Probability<Vocab<M>>`](Probability) |
//! | is this id in the vocabulary? | [`Idx<Vocab<M>>`](Idx) |
//! | do two models share a vocabulary? | [`Same<Vocab<A>, Vocab<B>>`](Same), made by one check |
//!
//! An environment `M` is one of three: [`static_model!`] (dimensions in the source, zero-sized, constants fold),
//! [`pinned_model!`] (dimensions of a file, fixed once for a nominal `'static` type) or [`Dyn`] (dimensions of a
//! file, branded by a scope). [`dispatch`] runs one program on the static model whose dimensions a file has, and on
//! `Dyn` otherwise. [`Kept`] holds what a program made in an environment of run time behind its scope.
//!
//! Programs that are not language models declare axes, products, environments, norms and roles of their own with
//! [`axis!`], [`product!`], [`environment!`], [`norm_role!`] and [`role!`]; the axes of this crate are made by the same
//! macros.
//!
//! The crate holds types only: no arithmetic on elements, no element types of files, no files. It needs an allocator
//! and no operating system (`no_std`).
#![forbid(unsafe_code)]
#![cfg_attr(not(test), no_std)]

#[macro_use]
extern crate alloc;
#[macro_use]
mod declare;

mod additive;
mod axis;
mod delta;
mod dims;
mod environment;
mod experts;
mod index;
mod kept;
mod layers;
mod layout;
mod model;
mod models;
mod norm;
mod number;
mod occurrences;
mod permute;
mod place;
mod role;
mod same;
mod scoped;
mod score;
mod select;
mod shape;
mod step;
mod tensor;

pub use additive::{Additive, AdditiveShape};
pub use axis::{Axis, Factored, Fixed, Flat, Named, Plain, Plus, Product, Roleless};
pub use delta::{
    ConvolutionTaps, Convolved, DeltaChannels, DeltaHeads, DeltaKey, DeltaKeyHeads, DeltaNorm, DeltaValue, DeltaWidth,
    GatedQWidth, QueryAndGate, RecurrentLayers,
};
pub use dims::{Dims, DimsError, ExpertCounts, Recurrent, Sizes};
pub use environment::{AlreadyPinned, Dyn, Environment};
pub use experts::{Experts, UsedExperts};
pub use index::{Idx, NotAnIndex};
pub use kept::{Enter, Kept, Kind, Make};
pub use layers::PerLayer;
pub use model::{
    AttentionLayers, Blocks, Ffn, Group, HeadDim, Heads, Hidden, KvHeads, KvWidth, Model, OtherFile, QWidth, Vocab,
};
pub use models::{Bitnet2B4T, WithModel, dispatch};
pub use norm::{
    AttnNorm, AttnSubNorm, BranchNorm, FfnNorm, FfnSubNorm, HeadNorm, InputNorm, KeyNorm, LacksNorm, NoNorm, NormRole,
    Normed, OutputNorm, PostAttnNorm, PostFfnNorm, QueryNorm,
};
pub use occurrences::Occurrences;
pub use permute::Permutes;
pub use place::{At, Fifth, First, Fourth, Grows, Last, Merges, Place, Room, Rows, Second, Splits, Third, Without};
pub use role::{Adjacent, Branch, Gate, Made, NeoX, Pairing, Pooled, Role, RopePairing, Rotated, Value};
pub use same::{Counterpart, Listed, NotSame, Same};
pub use scoped::{Batch, Past, Seq};
pub use score::{LogProbability, Probability, Ranked, Top};
pub use shape::{PlainShape, RolelessShape, Shape};
pub use step::{Causal, Ragged, Sequences, Span, Step, Uniform};
pub use tensor::{ShapeError, Tensor, View};
pub use trine_memory::{Buffer, Home, MAX_ELEMENTS, product_of, product_within};

/// What the macros of this crate expand to; not for direct use.
#[doc(hidden)]
pub mod macro_support {
    pub use crate::number::{Bit, Push, no_bit_above};
    pub use crate::scoped::Length;
    use alloc::borrow::ToOwned;
    pub use alloc::boxed::Box;
    pub use alloc::string::String;
    pub use alloc::vec::Vec;
    pub use generic_array::GenericArray;
    pub use once_cell::race::OnceBox;
    pub use typenum::UTerm;

    /// Scratch of `len` default elements.
    pub fn zeros<T: Copy + Default>(len: usize) -> Vec<T> {
        vec![T::default(); len]
    }

    /// Notes the first file that a type stands for, and refuses others.
    ///
    /// # Errors
    /// [`OtherFile`](crate::OtherFile) for another file than the first.
    pub fn stand_for(model: &'static str, cell: &OnceBox<String>, file: &str) -> Result<(), crate::OtherFile> {
        match cell.get_or_init(|| Box::new(file.to_owned())) {
            first if first == file => Ok(()),
            first => Err(crate::OtherFile { model, first: first.clone(), found: file.to_owned() }),
        }
    }
}
