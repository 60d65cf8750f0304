//! What the blocks remember of a sequence, and where sequences take memory for it from.
//!
//! What belongs here: the state of each kind of mixer, together. What does not: pages (`trine-kernels`), tokens and
//! text.

use super::transformer::Transformer;
use trine_kernels::{CacheFull, CacheType, PAGE};
use trine_ops::{KvPool, KvSequence, KvStep, RecurrentSequence, RecurrentStep};
use trine_shapes::{AttentionLayers, HeadDim, KvHeads, Model};

/// States of the delta rule that a sequence has at most: the present one, and those of two page ends.
const STATES: usize = 3;

/// Keys and values of one sequence in all attention layers.
type AttentionState<M> = KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;

/// Keys and values of the sequences of a step.
pub(super) type AttentionStep<'c, M, T> = KvStep<'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;

/// The states of the delta rule of the sequences of a step.
pub(super) type RecurrentStates<'c, M, T> = RecurrentStep<'c, T, M>;

/// Where sequences of one model take memory for their state from: pages of 256 positions, as many as were agreed when
/// the pool was made.
///
/// A pool is a handle: clones are the same pool.
#[derive(Debug)]
pub struct StatePool<M> {
    attention: KvPool<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    model: M,
    context: usize,
}

impl<M: Copy> Clone for StatePool<M> {
    fn clone(&self) -> Self {
        StatePool { attention: self.attention.clone(), model: self.model, context: self.context }
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
        Ok(StatePool { attention, model, context: transformer.config.context })
    }

    /// A pool with pages for `sequences` sequences of up to `capacity` positions, or as many as the model was trained
    /// for where that is less. Where some blocks have the delta rule, there is room for the state of each sequence and
    /// for those of two page ends.
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
        let state = transformer.config.dims.recurrent.state_elements() * size_of::<f32>();
        // A page of one pool is as large as that of another.
        let of_a_page = StatePool::new(transformer, 1, kind)?.bytes_per_page().max(1);
        let pages = pages.saturating_add(STATES.saturating_mul(state.div_ceil(of_a_page)));
        StatePool::new(transformer, pages.saturating_mul(sequences), kind)
    }

    /// The state of a sequence without positions, of up to `capacity` positions, or as many as the model was trained
    /// for where that is less.
    pub fn state(&self, capacity: usize) -> State<M> {
        let recurrent = RecurrentSequence::new(self.model, &self.attention);
        State { attention: self.attention.sequence(), recurrent, capacity: capacity.min(self.context) }
    }

    /// The state of `len` positions that [`State::to_bytes`] made of one of the same model and cache type.
    ///
    /// # Errors
    /// [`CacheFull`] where the pool has not enough pages left.
    ///
    /// # Panics
    /// If the bytes are not as many as [`bytes_of`](StatePool::bytes_of) so many positions.
    pub(crate) fn saved_state(&self, capacity: usize, len: usize, bytes: &[u8]) -> Result<State<M>, CacheFull> {
        let (of_attention, of_rule) = bytes.split_at(self.bytes_of_pages(len).min(bytes.len()));
        let mut state = State { attention: self.attention.from_bytes(len, of_attention)?, ..self.state(capacity) };
        state.recurrent.fill(len, of_rule)?;
        Ok(state)
    }

    fn bytes_of_pages(&self, positions: usize) -> usize {
        positions.div_ceil(PAGE).saturating_mul(self.bytes_per_page())
    }

    /// Bytes of the state of so many positions: those of whole pages, and of the states of the delta rule.
    pub(crate) fn bytes_of(&self, positions: usize) -> usize {
        let state = if positions == 0 { 0 } else { self.bytes_per_state() };
        self.bytes_of_pages(positions).saturating_add(state)
    }

    /// Bytes of the states of the delta rule of one sequence, which are as many for any number of positions; 0 where no
    /// block has the delta rule.
    pub fn bytes_per_state(&self) -> usize {
        self.model.dims().recurrent.state_elements() * size_of::<f32>()
    }

    /// Pages that the states of the delta rule of one sequence count as.
    pub fn pages_per_state(&self) -> usize {
        self.bytes_per_state().div_ceil(self.bytes_per_page().max(1))
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
    recurrent: RecurrentSequence<M>,
    capacity: usize,
}

impl<M: Model> State<M> {
    /// Positions so far.
    pub fn len(&self) -> usize {
        let len = self.attention.len();
        if self.recurrent.is_some() { len.min(self.recurrent.len()) } else { len }
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
        let (attention, recurrent) = (self.attention.fork(), self.recurrent.fork());
        State { attention, recurrent, capacity: self.capacity }
    }

    /// The most positions, at most `len`, that [`rewind`](State::rewind) leaves. With attention alone it is `len`; a
    /// state of the delta rule was kept for the last two page ends at most, and for the last position.
    pub fn reach(&self, len: usize) -> usize {
        self.recurrent.reach(len.min(self.len()))
    }

    /// Whether it can go back to any position.
    pub fn goes_back_anywhere(&self) -> bool {
        !self.recurrent.is_some()
    }

    /// Goes back to the first `len` positions, or as near as the state can, and says how many positions are left: at
    /// most `len`. Attention can go back to any, the delta rule to those that [`reach`](State::reach) says.
    pub fn rewind(&mut self, len: usize) -> usize {
        let kept = self.recurrent.rewind(len.min(self.len()));
        self.attention.rewind(kept)
    }

    /// The same without the states of page ends, for whoever keeps forks at places of its own.
    pub(crate) fn without_snapshots(self) -> Self {
        State { recurrent: self.recurrent.without_snapshots(), ..self }
    }

    /// Goes on with the pages of a fork that has as many positions; the state of the delta rule stays its own.
    pub(crate) fn take_pages(&mut self, of: State<M>) {
        debug_assert_eq!(self.attention.len(), of.attention.len(), "the same positions");
        self.attention = of.attention;
    }

    /// Forgets the states of the delta rule, where there are any: nothing goes on from here any more.
    pub(crate) fn forget_recurrent(&mut self) {
        self.recurrent.forget();
    }

    /// All of it as bytes, which are the same on every machine.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.attention.to_bytes();
        bytes.extend(self.recurrent.to_bytes());
        bytes
    }

    /// Takes the pages of `tokens` further positions, so that steps up to there take no memory.
    /// [`rewind`](State::rewind) gives back what is behind the positions.
    ///
    /// # Errors
    /// [`CacheFull`] where there are not enough pages; the state is then as before.
    pub fn reserve(&mut self, tokens: usize) -> Result<(), CacheFull> {
        self.attention.reserve(tokens)?;
        self.recurrent.own()
    }

    /// The state of each kind of mixer, where a step finds them behind as many positions.
    pub(super) fn parts(&mut self) -> (&mut AttentionState<M>, &mut RecurrentSequence<M>) {
        let len = self.len();
        self.attention.rewind_if_longer(len);
        (&mut self.attention, &mut self.recurrent)
    }
}
