//! One step of some sequences: their tokens, and the state that the tokens extend.

use super::state::{AttentionStep, State};
use trine_kernels::CacheFull;
use trine_ops::{CacheStepError, KvLayer, KvStep};
use trine_shapes::{AttentionLayers, HeadDim, Idx, KvHeads, Model, Ragged, Span, Step, View, Vocab};

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
    /// The tokens are not equally many for each sequence.
    #[error("{tokens} tokens are not equally many for {batch} sequences")]
    Ragged {
        /// Tokens offered.
        tokens: usize,
        /// Sequences in the batch.
        batch: usize,
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
    tokens: View<'c, Idx<Vocab<M>>, (T,)>,
    attention: AttentionStep<'c, M, T>,
}

impl<'c, M: Model, T: Step> StepInput<'c, M, T> {
    /// Opens the step `axis`, whose tokens are those of the first sequence, then those of the second, and so on. All
    /// memory that the step needs is taken here.
    pub(super) fn open(axis: T, tokens: &'c [Idx<Vocab<M>>], states: Vec<&'c mut State<M>>) -> Result<Self, StepError> {
        for (state, span) in states.iter().zip(axis.spans()) {
            let (used, capacity, tokens) = (state.len(), state.capacity(), span.tokens);
            if tokens == 0 {
                return Err(StepError::Empty { batch: axis.sequences() });
            }
            if tokens > capacity - used {
                return Err(StepError::ContextFull { used, capacity, tokens });
            }
        }
        let caches = states.into_iter().map(State::attention).collect();
        let attention = KvStep::open(axis, caches)?;
        let tokens = View::check("tokens", tokens, &[axis.len()], (axis,)).expect("as many tokens as the step has");
        Ok(StepInput { tokens, attention })
    }

    /// The tokens.
    pub fn tokens(&self) -> View<'c, Idx<Vocab<M>>, (T,)> {
        self.tokens
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

    /// Makes the tokens of this step part of the past.
    pub(super) fn commit(self) {
        self.attention.commit();
    }
}

impl<M: Model> State<M> {
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
        let span = |(state, tokens): &(&mut State<M>, &[_])| Span { past: state.len(), tokens: tokens.len() };
        let spans: Vec<Span> = requests.iter().map(span).collect();
        let tokens: Vec<Idx<Vocab<M>>> = requests.iter().flat_map(|(_, tokens)| tokens.iter().copied()).collect();
        let states = requests.into_iter().map(|(state, _)| state).collect();
        Ragged::scope(&spans, |axis| StepInput::open(axis, &tokens, states).map(body))
    }
}
