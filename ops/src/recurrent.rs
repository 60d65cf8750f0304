//! What blocks with the delta rule remember of sequences, and the steps that change it.
//!
//! What belongs here: ownership of states, where a sequence can be cut, and which part of a state is of what. What does
//! not: what is computed with a state (`delta.rs`), keys and values (`cache.rs`).
//!
//! A state is the sum of all positions before it, so it cannot be cut back by itself. A sequence keeps the states of
//! its last page ends beside the present one, as long as there is memory, and goes back to the nearest of them. A state
//! takes its place from the pages of the [`KvPool`](crate::KvPool) that keys and values are in, so that one number of
//! pages bounds both.

use crate::cache::KvPool;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use trine_kernels::attention::pages::{Page, PagePool};
use trine_kernels::{CacheFull, PAGE};
use trine_shapes::{AttentionLayers, Axis, HeadDim, Idx, KvHeads, Model, Recurrent, RecurrentLayers, Span, Step};

/// Page ends whose states a sequence keeps.
const SNAPSHOTS: usize = 2;

/// The numbers of one state, of all layers.
#[derive(Debug)]
struct Numbers {
    layers: Vec<Layer>,
    /// Pages that these numbers stand for in the pool. Nothing is written to them.
    _places: Vec<Page>,
}

/// What one layer remembers of one sequence.
#[derive(Debug)]
struct Layer {
    /// The last inputs of the convolution, oldest first: `[taps - 1, channels]`.
    inputs: Vec<f32>,
    /// `[heads, value, key]`.
    heads: Vec<f32>,
}

impl Numbers {
    fn zeros(of: Recurrent, places: Vec<Page>) -> Self {
        let layer = |_| Layer {
            inputs: vec![0.0; (of.taps - 1) * of.channels()],
            heads: vec![0.0; of.value_heads * of.value_dim * of.key_dim],
        };
        Numbers { layers: (0..of.layers).map(layer).collect(), _places: places }
    }

    fn copy(&self, places: Vec<Page>) -> Self {
        let layer = |layer: &Layer| Layer { inputs: layer.inputs.clone(), heads: layer.heads.clone() };
        Numbers { layers: self.layers.iter().map(layer).collect(), _places: places }
    }

    fn all(&self) -> impl Iterator<Item = &f32> {
        self.layers.iter().flat_map(|layer| layer.inputs.iter().chain(&layer.heads))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.layers.iter_mut().flat_map(|layer| layer.inputs.iter_mut().chain(&mut layer.heads))
    }
}

/// The pages that numbers of one state stand for.
fn places(pool: &Arc<PagePool>, of: Recurrent) -> usize {
    bytes(of).div_ceil(pool.bytes_per_page().max(1))
}

fn bytes(of: Recurrent) -> usize {
    of.state_elements() * size_of::<f32>()
}

/// What the blocks with the delta rule remember of one sequence.
#[derive(Debug)]
pub struct RecurrentSequence<M> {
    model: M,
    pool: Arc<PagePool>,
    len: usize,
    /// None of a sequence without positions, whose states are zeros.
    now: Option<Arc<Numbers>>,
    /// States behind so many positions each, the nearest last.
    snapshots: Vec<(usize, Arc<Numbers>)>,
    keeps_snapshots: bool,
}

impl<M: Model> RecurrentSequence<M> {
    /// A sequence without positions, whose state is counted among the pages of `pool`.
    pub fn new(model: M, pool: &KvPool<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>) -> Self {
        let pool = pool.pages_of().clone();
        RecurrentSequence { model, pool, len: 0, now: None, snapshots: Vec::new(), keeps_snapshots: true }
    }

    /// The same without states of page ends, for programs that keep forks at places of their own.
    pub fn without_snapshots(self) -> Self {
        RecurrentSequence { snapshots: Vec::new(), keeps_snapshots: false, ..self }
    }

    /// Whether the model has such blocks. Without them a sequence is as long as its keys and values, and takes no
    /// memory.
    pub fn is_some(&self) -> bool {
        RecurrentLayers::of(self.model).len() > 0
    }

    fn lengths(&self) -> Recurrent {
        self.model.dims().recurrent
    }

    /// Positions that the state is behind.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pages of the pool that one state counts as.
    pub fn pages(&self) -> usize {
        if self.is_some() { places(&self.pool, self.lengths()) } else { 0 }
    }

    /// Bytes of one state.
    pub fn bytes(&self) -> usize {
        bytes(self.lengths())
    }

    /// A sequence with the same states. Whichever of the two goes on first gets a copy of the present one.
    pub fn fork(&self) -> Self {
        let RecurrentSequence { model, len, keeps_snapshots, .. } = *self;
        let (now, snapshots) = (self.now.clone(), self.snapshots.clone());
        RecurrentSequence { model, pool: self.pool.clone(), len, now, snapshots, keeps_snapshots }
    }

    /// The most positions, at most `len`, that the sequence can go back to.
    pub fn reach(&self, len: usize) -> usize {
        if !self.is_some() || len >= self.len {
            return len.min(if self.is_some() { self.len } else { len });
        }
        let kept = self.snapshots.iter().map(|(at, _)| *at).filter(|at| *at <= len);
        kept.max().unwrap_or(0)
    }

    /// Goes back to as many positions as [`reach`](RecurrentSequence::reach) says, and gives back the states behind
    /// them.
    pub fn rewind(&mut self, len: usize) -> usize {
        let kept = self.reach(len);
        self.snapshots.retain(|(at, _)| *at <= kept);
        if kept < self.len {
            self.now = self.snapshots.last().map(|(_, numbers)| numbers.clone());
            self.len = kept;
        }
        kept
    }

    /// Forgets everything, so that nothing of it takes memory.
    pub fn forget(&mut self) {
        (self.len, self.now) = (0, None);
        self.snapshots.clear();
    }

    /// Makes the present state one that no other sequence and no page end has, so that a step takes no memory.
    ///
    /// # Errors
    /// [`CacheFull`] where there are not enough pages; the sequence is then as before, but for states of page ends.
    pub fn own(&mut self) -> Result<(), CacheFull> {
        if !self.is_some() {
            return Ok(());
        }
        let of = self.lengths();
        let Some(now) = &mut self.now else {
            let places = self.pool.take(places(&self.pool, of))?;
            self.now = Some(Arc::new(Numbers::zeros(of, places)));
            return Ok(());
        };
        if Arc::get_mut(now).is_some() {
            return Ok(());
        }
        match self.pool.take(places(&self.pool, of)) {
            Ok(places) => *now = Arc::new(now.copy(places)),
            // A page end that only this sequence could go back to makes room.
            Err(full) => {
                self.snapshots.retain(|(_, numbers)| !Arc::ptr_eq(numbers, now));
                if Arc::get_mut(now).is_none() {
                    return Err(full);
                }
            }
        }
        Ok(())
    }

    /// The present state as bytes, which are the same on every machine; none of a sequence without positions.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.now.iter().flat_map(|now| now.all()).flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Becomes the sequence of `len` positions whose state is in the bytes.
    ///
    /// # Errors
    /// [`CacheFull`] where there are not enough pages.
    ///
    /// # Panics
    /// If there are not as many bytes as a state has.
    pub fn fill(&mut self, len: usize, bytes: &[u8]) -> Result<(), CacheFull> {
        self.forget();
        if !self.is_some() || len == 0 {
            assert!(bytes.is_empty(), "no state of no positions");
            return Ok(());
        }
        assert_eq!(bytes.len(), self.bytes(), "the bytes of a state");
        self.own()?;
        if let Some(numbers) = self.now.as_mut().and_then(Arc::get_mut) {
            let from = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            numbers.all_mut().zip(from).for_each(|(to, from)| *to = from);
        }
        self.len = len;
        Ok(())
    }

    /// The present state is behind so many positions.
    fn advance(&mut self, len: usize) {
        self.len = len;
        if !self.keeps_snapshots || !len.is_multiple_of(PAGE) {
            return;
        }
        self.snapshots.extend(self.now.iter().map(|now| (len, now.clone())));
        if self.snapshots.len() > SNAPSHOTS {
            self.snapshots.remove(0);
        }
    }
}

impl<M> RecurrentSequence<M> {
    /// The present state is neither the one before a step nor the one behind it.
    fn break_off(&mut self) {
        (self.len, self.now) = match self.snapshots.last() {
            Some((len, numbers)) => (*len, Some(numbers.clone())),
            None => (0, None),
        };
    }
}

/// The states of the sequences of a step `T`.
///
/// A step changes them in place. One that is given up after some of its layers were computed leaves its sequences at
/// the last page end whose state they have, or without positions.
#[must_use = "what a step changes counts once it is committed"]
pub struct RecurrentStep<'c, T, M> {
    step: T,
    /// None of a model without such blocks.
    sequences: Vec<&'c mut RecurrentSequence<M>>,
    written: Vec<bool>,
    is_committed: bool,
}

impl<T: fmt::Debug, M> fmt::Debug for RecurrentStep<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecurrentStep").field("step", &self.step).finish_non_exhaustive()
    }
}

impl<'c, T: Step, M: Model> RecurrentStep<'c, T, M> {
    /// Opens the step for its sequences, each of which has a state of its own from here on.
    ///
    /// # Errors
    /// [`CacheFull`] where there are not enough pages for a copy of a state that sequences share.
    ///
    /// # Panics
    /// If there are more or fewer sequences than in the step, or one is not where the step says.
    pub fn open(step: T, mut sequences: Vec<&'c mut RecurrentSequence<M>>) -> Result<Self, CacheFull> {
        sequences.retain(|sequence| sequence.is_some());
        let layers = sequences.first().map_or(0, |sequence| sequence.lengths().layers);
        if layers > 0 {
            assert_eq!(sequences.len(), step.sequences(), "a state for each sequence of the step");
            let is_there = |(sequence, span): (&&mut RecurrentSequence<M>, Span)| sequence.len == span.past;
            assert!(sequences.iter().zip(step.spans()).all(is_there), "each state is behind the past of its sequence");
        }
        sequences.iter_mut().try_for_each(|sequence| sequence.own())?;
        Ok(RecurrentStep { step, sequences, written: vec![false; layers], is_committed: false })
    }

    /// The two states of one layer.
    pub fn layer<'l>(
        &'l mut self,
        layer: Idx<RecurrentLayers<M>>,
    ) -> (ConvolutionState<'l, T, M>, DeltaState<'l, T, M>) {
        let (layer, step) = (layer.get(), self.step);
        self.written[layer] = true;
        let (mut inputs, mut heads) = (Vec::new(), Vec::new());
        for sequence in &mut self.sequences {
            let numbers = sequence.now.as_mut().and_then(Arc::get_mut).expect("a state that the step owns");
            let Layer { inputs: of_convolution, heads: of_rule } = &mut numbers.layers[layer];
            inputs.push(&mut of_convolution[..]);
            heads.push(&mut of_rule[..]);
        }
        let model = PhantomData;
        (ConvolutionState { step, inputs, model }, DeltaState { step, heads, model })
    }

    /// Makes the tokens of the step part of the past.
    ///
    /// # Panics
    /// If a layer was not computed: its state would not know of the tokens.
    pub fn commit(mut self) {
        if let Some(layer) = self.written.iter().position(|written| !written) {
            panic!("recurrent layer {layer} has no state of this step");
        }
        self.is_committed = true;
        let step = self.step;
        for (sequence, span) in self.sequences.iter_mut().zip(step.spans()) {
            sequence.advance(span.past + span.tokens);
        }
    }
}

impl<T, M> Drop for RecurrentStep<'_, T, M> {
    fn drop(&mut self) {
        if !self.is_committed && self.written.contains(&true) {
            self.sequences.iter_mut().for_each(|sequence| sequence.break_off());
        }
    }
}

/// The last inputs of a convolution, of each sequence of a step `T`.
#[derive(Debug)]
pub struct ConvolutionState<'l, T, M> {
    pub(crate) step: T,
    /// Of each sequence `[taps - 1, channels]`, oldest first.
    pub(crate) inputs: Vec<&'l mut [f32]>,
    model: PhantomData<M>,
}

/// The states of the delta rule, of each sequence of a step `T`.
#[derive(Debug)]
pub struct DeltaState<'l, T, M> {
    pub(crate) step: T,
    /// Of each sequence `[heads, value, key]`.
    pub(crate) heads: Vec<&'l mut [f32]>,
    model: PhantomData<M>,
}
