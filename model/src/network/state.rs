//! What the blocks remember of a sequence, and where sequences take memory for it from.
//!
//! What belongs here: the state of each kind of mixer, together. What does not: pages (`trine-kernels`), tokens and
//! text.

use super::transformer::Transformer;
use trine_kernels::{CacheFull, CacheType, PAGE};
use trine_ops::{KvPool, KvSequence, KvStep};
use trine_shapes::{AttentionLayers, HeadDim, KvHeads, Model};

/// Keys and values of one sequence in all attention layers.
type AttentionState<M> = KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;

/// Keys and values of the sequences of a step.
pub(super) type AttentionStep<'c, M, T> = KvStep<'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;

/// Where sequences of one model take memory for their state from: pages of 256 positions, as many as were agreed when
/// the pool was made.
///
/// A pool is a handle: clones are the same pool.
#[derive(Debug)]
pub struct StatePool<M> {
    attention: KvPool<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    context: usize,
}

impl<M: Copy> Clone for StatePool<M> {
    fn clone(&self) -> Self {
        StatePool { attention: self.attention.clone(), context: self.context }
    }
}

impl<M: Model> StatePool<M> {
    /// A pool of up to `pages` pages for sequences of `transformer`. Memory comes into use with them.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn new(transformer: &Transformer<M>, pages: usize, kind: CacheType) -> Result<Self, CacheFull> {
        let model = transformer.model;
        let (layers, heads, head) = (AttentionLayers::of(model), KvHeads::of(model), HeadDim::of(model));
        let attention = KvPool::new(layers, heads, head, pages, kind)?;
        Ok(StatePool { attention, context: transformer.config.context })
    }

    /// A pool with pages for `sequences` sequences of up to `capacity` positions, or as many as the model was trained
    /// for where that is less.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn for_sequences(
        transformer: &Transformer<M>,
        sequences: usize,
        capacity: usize,
        kind: CacheType,
    ) -> Result<Self, CacheFull> {
        let pages = capacity.min(transformer.config.context).div_ceil(PAGE);
        StatePool::new(transformer, pages.saturating_mul(sequences), kind)
    }

    /// The state of a sequence without positions, of up to `capacity` positions, or as many as the model was trained
    /// for where that is less.
    pub fn state(&self, capacity: usize) -> State<M> {
        State { attention: self.attention.sequence(), capacity: capacity.min(self.context) }
    }

    /// The state of `len` positions that [`State::to_bytes`] made of one of the same model and cache type.
    ///
    /// # Errors
    /// [`CacheFull`] where the pool has not enough pages left.
    ///
    /// # Panics
    /// If the bytes are not as many as [`bytes_of`](StatePool::bytes_of) so many positions.
    pub(crate) fn saved_state(&self, capacity: usize, len: usize, bytes: &[u8]) -> Result<State<M>, CacheFull> {
        Ok(State { attention: self.attention.from_bytes(len, bytes)?, capacity: capacity.min(self.context) })
    }

    /// Bytes of the state of so many positions: those of whole pages.
    pub(crate) fn bytes_of(&self, positions: usize) -> usize {
        positions.div_ceil(PAGE).saturating_mul(self.bytes_per_page())
    }

    /// The type of cached keys and values.
    pub fn kind(&self) -> CacheType {
        self.attention.kind()
    }

    /// Pages there may be.
    pub fn pages(&self) -> usize {
        self.attention.pages()
    }

    /// Pages that no sequence has.
    pub fn free_pages(&self) -> usize {
        self.attention.free_pages()
    }

    /// Bytes of a page.
    pub fn bytes_per_page(&self) -> usize {
        self.attention.bytes_per_page()
    }
}

/// What the blocks of a model remember of one sequence. It belongs to whoever runs the sequence, and a step extends it
/// ([`State::step`]).
#[derive(Debug)]
pub struct State<M> {
    attention: AttentionState<M>,
    capacity: usize,
}

impl<M: Model> State<M> {
    /// Positions so far.
    pub fn len(&self) -> usize {
        self.attention.len()
    }

    /// Whether no step was taken yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions that the sequence may have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The state of a second sequence with the same beginning, which shares the memory of it. What either sequence
    /// appends is its own.
    pub fn fork(&self) -> Self {
        State { attention: self.attention.fork(), capacity: self.capacity }
    }

    /// Goes back to the first `len` positions, or as near as the state can, and says how many positions are left: at
    /// most `len`. Attention can go back to any.
    pub fn rewind(&mut self, len: usize) -> usize {
        self.attention.rewind(len)
    }

    /// All of it as bytes, which are the same on every machine.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.attention.to_bytes()
    }

    /// Takes the pages of `tokens` further positions, so that steps up to there take no memory.
    /// [`rewind`](State::rewind) gives back what is behind the positions.
    ///
    /// # Errors
    /// [`CacheFull`] where there are not enough pages; the state is then as before.
    pub fn reserve(&mut self, tokens: usize) -> Result<(), CacheFull> {
        self.attention.reserve(tokens)
    }

    pub(super) fn attention(&mut self) -> &mut AttentionState<M> {
        &mut self.attention
    }
}
