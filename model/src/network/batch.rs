//! A batch of equally long sequences, whose step has the axes `Batch`, `Past` and `Seq`.

use super::state::{State, StatePool};
use super::step::{StepError, StepInput};
use super::transformer::Transformer;
use trine_kernels::{CacheFull, CacheType};
use trine_ops::KvSequence;
use trine_shapes::{Idx, Model, Past, Plain, Seq, Uniform, Vocab};

/// The keys and values of a batch of equally long sequences.
///
/// Memory is that of a [`StatePool`] with as many pages as the sequences can need.
#[derive(Debug)]
pub struct KvCache<M, B> {
    states: Vec<State<M>>,
    batch: B,
    vocab: Vocab<M>,
    capacity: usize,
}

impl<M: Model, B: Plain> KvCache<M, B> {
    /// An empty cache of `transformer` for `batch` sequences of up to `capacity` positions, or as many as the model was
    /// trained for where that is less.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn new(transformer: &Transformer<M>, batch: B, capacity: usize, kind: CacheType) -> Result<Self, CacheFull> {
        let pool = StatePool::for_sequences(transformer, batch.len(), capacity, kind)?;
        let capacity = capacity.min(transformer.config.context);
        let states = (0..batch.len()).map(|_| pool.state(capacity)).collect();
        Ok(KvCache { states, batch, vocab: Vocab::of(transformer.model), capacity })
    }

    /// Positions in the cache.
    pub fn len(&self) -> usize {
        self.states.first().map_or(0, State::len)
    }

    /// Whether no step was taken yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions the cache can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The vocabulary that tokens of a step must be from.
    pub fn vocab(&self) -> Vocab<M> {
        self.vocab
    }

    /// Goes back to the first `len` positions; says how many are left, which are at most `len`.
    pub fn rewind(&mut self, len: usize) -> usize {
        // All together: what one sequence can go back to, another one may not.
        let mut kept = len;
        while let Some(least) = self.states.iter().map(|state| state.reach(kept)).min().filter(|least| *least < kept) {
            kept = least;
        }
        self.states.iter_mut().map(|state| state.rewind(kept)).min().unwrap_or(0)
    }

    /// Opens a step, to which each sequence brings one slice of tokens, all of one length.
    ///
    /// The cache grows when a [`Transformer`] has taken the step.
    ///
    /// ```
    /// use trine_model::{KvCache, StepError};
    /// use trine_shapes::{Fixed, Idx, Model, Vocab};
    ///
    /// fn next<M: Model>(cache: &mut KvCache<M, Fixed<1>>, token: Idx<Vocab<M>>) -> Result<(), StepError> {
    ///     cache.step(&[&[token]], |step| drop(step))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StepError`] where there are more or fewer slices than sequences, one has no token, they are not equally long,
    /// or the context is full. The cache is then as before.
    pub fn step<R>(
        &mut self,
        tokens: &[&[Idx<Vocab<M>>]],
        body: impl for<'c, 'p, 's> FnOnce(StepInput<'c, M, Uniform<B, Past<'p>, Seq<'s>>>) -> R,
    ) -> Result<R, StepError> {
        let batch = self.batch.len();
        if tokens.len() != batch {
            return Err(StepError::Batch { slices: tokens.len(), batch });
        }
        let Some(first) = tokens.first() else { return Err(StepError::Empty { batch }) };
        let length = first.len();
        if let Some(sequence) = tokens.iter().position(|tokens| tokens.len() != length) {
            return Err(StepError::Ragged { sequence, expected: length, found: tokens[sequence].len() });
        }
        self.states.iter().try_for_each(|state| state.check_room(length, batch))?;
        let (caches, recurrent) = self.states.iter_mut().map(State::parts).unzip();
        Seq::scope(length, |seq| {
            let stepped = KvSequence::step_of_batch(caches, self.batch, seq, |attention| {
                StepInput::new(attention, recurrent, tokens).map(body)
            })?;
            Ok(stepped?)
        })
    }
}
