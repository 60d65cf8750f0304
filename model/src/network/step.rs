//! One step of some sequences: their tokens, and the state that the tokens extend.

use super::state::{AttentionStep, RecurrentStates, State};
use trine_kernels::CacheFull;
use trine_ops::{CacheStepError, ConvolutionState, DeltaState, KvLayer, KvSequence, RecurrentSequence, RecurrentStep};
use trine_shapes::{AttentionLayers, HeadDim, Idx, KvHeads, Model, Ragged, RecurrentLayers, Step, Tensor, View, Vocab};

/// Tokens that cannot be a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// There is no token.
    #[error("a step needs at least one token for each of its {batch} sequences")]
    Empty {
        /// Sequences in the step.
        batch: usize,
    },
    /// There are other slices of tokens than sequences.
    #[error("{slices} slices of tokens are given for {batch} sequences: each brings one")]
    Batch {
        /// Slices offered.
        slices: usize,
        /// Sequences in the batch.
        batch: usize,
    },
    /// The sequences of a batch do not bring equally many tokens.
    #[error("sequence {sequence} of the batch brings {found} tokens and the first one {expected}: expected as many")]
    Ragged {
        /// Which sequence.
        sequence: usize,
        /// Tokens of the first sequence.
        expected: usize,
        /// Tokens of this one.
        found: usize,
    },
    /// A sequence would grow beyond its context.
    #[error("the context is full: {used} of {capacity} positions are used, {tokens} more do not fit")]
    ContextFull {
        /// Positions used.
        used: usize,
        /// Positions that the sequence may have.
        capacity: usize,
        /// Positions asked for.
        tokens: usize,
    },
    /// There is no memory for the tokens.
    #[error(transparent)]
    Cache(#[from] CacheFull),
    /// The sequences have their state in different pools.
    #[error("sequence {sequence} of the step has its state in another pool than the first one")]
    OtherPool {
        /// Which sequence.
        sequence: usize,
    },
    /// The sequences cannot take a step together.
    #[error(transparent)]
    Together(CacheStepError),
}

impl From<CacheStepError> for StepError {
    fn from(error: CacheStepError) -> Self {
        match error {
            CacheStepError::Full(full) => StepError::Cache(full),
            CacheStepError::OtherPool { sequence } => StepError::OtherPool { sequence },
            other => StepError::Together(other),
        }
    }
}

/// One step of some sequences: their tokens, and the state that they extend.
///
/// ```
/// use trine_ops::Cpu;
/// use trine_model::{StepInput, Transformer};
/// use trine_shapes::{Model, Step};
///
/// fn decode<M: Model, T: Step>(cpu: &Cpu, model: &Transformer<M>, step: StepInput<M, T>) {
///     model.next_logits(cpu, step);
/// }
/// ```
/// A step is taken once, and tokens alone, without the state that holds the prompt, are no step:
/// ```compile_fail,E0382
/// # use trine_ops::Cpu;
/// # use trine_model::{StepInput, Transformer};
/// # use trine_shapes::{Model, Step};
/// fn decode<M: Model, T: Step>(cpu: &Cpu, model: &Transformer<M>, step: StepInput<M, T>) {
///     model.prefill(cpu, step);
///     model.next_logits(cpu, step);
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_ops::Cpu;
/// # use trine_model::{StepInput, Transformer};
/// # use trine_shapes::{Idx, Model, Step, View, Vocab};
/// fn decode<M: Model, T: Step>(cpu: &Cpu, model: &Transformer<M>, tokens: View<Idx<Vocab<M>>, (T,)>) {
///     model.next_logits(cpu, tokens);
/// }
/// ```
#[derive(Debug)]
pub struct StepInput<'c, M, T> {
    tokens: Tensor<Idx<Vocab<M>>, (T,)>,
    attention: AttentionStep<'c, M, T>,
    recurrent: RecurrentStates<'c, M, T>,
}

impl<'c, M: Model, T: Step> StepInput<'c, M, T> {
    /// The step of `attention` and of the other states of the same sequences, to which each sequence brings one slice
    /// of tokens.
    ///
    /// # Errors
    /// [`CacheFull`] where there is no memory for the states.
    pub(super) fn new(
        attention: AttentionStep<'c, M, T>,
        recurrent: Vec<&'c mut RecurrentSequence<M>>,
        tokens: &[&[Idx<Vocab<M>>]],
    ) -> Result<Self, CacheFull> {
        let tokens = Tensor::of_sequences("tokens", attention.axis(), tokens).expect("the slices that the step is of");
        let recurrent = RecurrentStep::open(attention.axis(), recurrent)?;
        Ok(StepInput { tokens, attention, recurrent })
    }

    /// The tokens.
    pub fn tokens(&self) -> View<'_, Idx<Vocab<M>>, (T,)> {
        self.tokens.view()
    }

    /// The token axis.
    pub fn axis(&self) -> T {
        self.tokens.shape().0
    }

    /// The keys and values of an attention layer.
    pub(super) fn attention(
        &mut self,
        layer: Idx<AttentionLayers<M>>,
    ) -> KvLayer<'_, 'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>> {
        self.attention.layer(layer)
    }

    /// The two states of a layer with the delta rule.
    pub(super) fn recurrent(
        &mut self,
        layer: Idx<RecurrentLayers<M>>,
    ) -> (ConvolutionState<'_, T, M>, DeltaState<'_, T, M>) {
        self.recurrent.layer(layer)
    }

    /// Makes the tokens of this step part of the past.
    pub(super) fn commit(self) {
        self.attention.commit();
        self.recurrent.commit();
    }
}

impl<M: Model> State<M> {
    /// Whether `tokens` tokens fit behind those of the sequence, which is one of `batch`.
    pub(crate) fn check_room(&self, tokens: usize, batch: usize) -> Result<(), StepError> {
        let (used, capacity) = (self.len(), self.capacity());
        match tokens {
            0 => Err(StepError::Empty { batch }),
            _ if tokens > capacity - used => Err(StepError::ContextFull { used, capacity, tokens }),
            _ => Ok(()),
        }
    }

    /// Opens a step of one sequence. The sequence grows when a [`Transformer`](crate::Transformer) has taken the step.
    ///
    /// ```
    /// use trine_model::{State, StepError};
    /// use trine_shapes::{Idx, Model, Vocab};
    ///
    /// fn next<M: Model>(state: &mut State<M>, token: Idx<Vocab<M>>) -> Result<(), StepError> {
    ///     state.step(&[token], |step| drop(step))
    /// }
    /// ```
    /// Tokens are those of the state's model, and the past does not change while a step is open:
    /// ```compile_fail,E0308
    /// # use trine_model::{State, StepError};
    /// # use trine_shapes::{Idx, Model, Vocab};
    /// fn next<M: Model, N: Model>(state: &mut State<M>, token: Idx<Vocab<N>>) -> Result<(), StepError> {
    ///     state.step(&[token], |step| drop(step))
    /// }
    /// ```
    /// ```compile_fail,E0499
    /// # use trine_model::{State, StepError};
    /// # use trine_shapes::{Idx, Model, Vocab};
    /// fn next<M: Model>(state: &mut State<M>, token: Idx<Vocab<M>>) -> Result<(), StepError> {
    ///     state.step(&[token], |step| {
    ///         state.rewind(3);
    ///         drop(step)
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StepError`] where there is no token, the context is full, or there is no memory. The state is then as before.
    pub fn step<R>(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        body: impl for<'c, 's> FnOnce(StepInput<'c, M, Ragged<'s>>) -> R,
    ) -> Result<R, StepError> {
        State::step_together(vec![(self, tokens)], body)
    }

    /// Opens a ragged step: each sequence brings tokens of its own, behind its own past. Logits are those that each
    /// sequence would get alone, bit for bit.
    ///
    /// # Errors
    /// [`StepError`] where there is no sequence, one has no token or a full context, states are of different pools, or
    /// there is no memory. All states are then as before.
    pub fn step_together<R>(
        requests: Vec<(&mut State<M>, &[Idx<Vocab<M>>])>,
        body: impl for<'c, 's> FnOnce(StepInput<'c, M, Ragged<'s>>) -> R,
    ) -> Result<R, StepError> {
        if requests.is_empty() {
            return Err(StepError::Empty { batch: 0 });
        }
        let (states, tokens): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
        let counts: Vec<usize> = tokens.iter().map(|tokens| tokens.len()).collect();
        for (state, &count) in states.iter().zip(&counts) {
            state.check_room(count, counts.len())?;
        }
        let (caches, recurrent) = states.into_iter().map(State::parts).unzip();
        let stepped =
            KvSequence::step(caches, &counts, |attention| StepInput::new(attention, recurrent, &tokens).map(body))?;
        Ok(stepped?)
    }
}
