//! One sequence: its state, its tokens so far, and the logits that follow them.

use crate::network::{Logits, LogitsRequest, Ops, Part, State, StatePool, StepError, Traced, Transformer};
use std::ops::ControlFlow;
use std::sync::Arc;
use trine_kernels::{CacheFull, CacheType};
use trine_ops::Cpu;
use trine_shapes::{Idx, Model, NotAnIndex, Vocab};

/// Ids that cannot be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// An id beyond the vocabulary.
    #[error(transparent)]
    Token(#[from] NotAnIndex),
    /// No id, or more than fit.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Tokens of a prompt that go through the model together.
const PROMPT_BATCH: usize = 256;

/// One sequence of a model: its state and its tokens so far. It owns a share of the transformer and of the machine, so
/// that a program can keep it and send it to another thread.
#[derive(Debug)]
pub struct Session<M> {
    transformer: Arc<Transformer<M>>,
    cpu: Cpu,
    state: State<M>,
    tokens: Vec<u32>,
}

impl<M: Model> Session<M> {
    /// An empty session of up to `context` positions, or the model's context where that is less, with memory of its
    /// own.
    ///
    /// # Errors
    /// [`CacheFull`] where memory cannot hold so many.
    pub fn new(
        transformer: &Arc<Transformer<M>>,
        cpu: &Cpu,
        context: usize,
        kind: CacheType,
    ) -> Result<Self, CacheFull> {
        let pool = StatePool::for_sequences(transformer, 1, context, kind)?;
        Ok(Session::in_pool(transformer, cpu, &pool, context))
    }

    /// An empty session of up to `context` positions, or the model's context where that is less, that takes its memory
    /// from a pool as it grows.
    pub fn in_pool(transformer: &Arc<Transformer<M>>, cpu: &Cpu, pool: &StatePool<M>, context: usize) -> Self {
        let (transformer, cpu) = (transformer.clone(), cpu.clone());
        Session { transformer, cpu, state: pool.state(context), tokens: Vec::new() }
    }

    /// A second session with the same tokens, which shares the memory of their keys and values.
    pub fn fork(&self) -> Self {
        let (transformer, cpu) = (self.transformer.clone(), self.cpu.clone());
        Session { transformer, cpu, state: self.state.fork(), tokens: self.tokens.clone() }
    }

    /// The transformer.
    pub fn transformer(&self) -> &Arc<Transformer<M>> {
        &self.transformer
    }

    /// The tokens so far.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Whether no further token fits.
    pub fn is_full(&self) -> bool {
        self.state.len() == self.state.capacity()
    }

    /// Most tokens that fit.
    pub fn capacity(&self) -> usize {
        self.state.capacity()
    }

    /// Appends tokens and returns the logits that follow the last one.
    ///
    /// # Errors
    /// An id beyond the vocabulary, no token, or a full context; the session is then as before.
    pub fn feed(&mut self, ids: &[u32]) -> Result<Box<[f32]>, SessionError> {
        let logits = self.feed_while(ids, LogitsRequest::All, &mut || ControlFlow::Continue(()))?;
        Ok(logits.expect("nothing interrupts it").into_dense().into_boxed_slice())
    }

    /// As [`feed`](Session::feed) for the logits that are asked for, and calls `see` with the number of the block
    /// (`None` outside of blocks), each [`Part`] of each batch as soon as it is computed, and its values, row by row.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_watched(
        &mut self,
        ids: &[u32],
        request: LogitsRequest,
        see: &mut dyn FnMut(Option<usize>, Part, &[f32]),
    ) -> Result<Logits, SessionError> {
        let cpu = self.cpu.clone();
        let logits = self.feed_parts(&Traced::new(&cpu, see), ids, request, &mut || ControlFlow::Continue(()))?;
        Ok(logits.expect("nothing interrupts it"))
    }

    /// As [`feed`](Session::feed) for the logits that are asked for, in batches of 256 tokens between which `proceed`
    /// is asked. `None` where it broke off; the batches before that are part of the session.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_while(
        &mut self,
        ids: &[u32],
        request: LogitsRequest,
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Logits>, SessionError> {
        let cpu = self.cpu.clone();
        self.feed_parts(&cpu, ids, request, proceed)
    }

    fn feed_parts(
        &mut self,
        ops: &impl Ops,
        ids: &[u32],
        request: LogitsRequest,
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Logits>, SessionError> {
        let transformer = &self.transformer;
        let vocab = Vocab::of(transformer.model);
        let tokens: Vec<Idx<Vocab<M>>> = ids.iter().map(|&id| Idx::new(vocab, id)).collect::<Result<_, _>>()?;
        self.check_fits(tokens.len())?;
        let (before, last) = tokens.split_at(tokens.len().saturating_sub(1) / PROMPT_BATCH * PROMPT_BATCH);
        for (batch, ids) in before.chunks(PROMPT_BATCH).zip(ids.chunks(PROMPT_BATCH)) {
            self.state.step(batch, |step| transformer.prefill(ops, step))?;
            self.tokens.extend_from_slice(ids);
            if proceed().is_break() {
                return Ok(None);
            }
        }
        let logits = self.state.step(last, |step| transformer.requested_logits(ops, step, request).into_data())?;
        self.tokens.extend_from_slice(&ids[before.len()..]);
        Ok(logits.into_vec().pop())
    }

    /// Appends tokens to each of some sessions, in steps of all of them together, and returns the logits that follow,
    /// in their order. Each gets the bits that it would get alone.
    ///
    /// # Errors
    /// An id beyond the vocabulary, no token, a full context, or sessions of different pools or transformers; the
    /// sessions are then as before. Where there is no memory for a step, sessions may have taken the beginnings of
    /// their tokens.
    pub fn feed_together(
        mut requests: Vec<(&mut Session<M>, &[u32])>,
        request: LogitsRequest,
    ) -> Result<Vec<Logits>, SessionError> {
        let Some((first, _)) = requests.first() else {
            return Ok(Vec::new());
        };
        let (transformer, cpu) = (first.transformer.clone(), first.cpu.clone());
        let vocab = Vocab::of(transformer.model);
        let mut tokens = Vec::new();
        for (sequence, (session, ids)) in requests.iter().enumerate() {
            if !Arc::ptr_eq(&session.transformer, &transformer) {
                return Err(StepError::OtherPool { sequence }.into());
            }
            if ids.is_empty() {
                return Err(StepError::Empty { batch: requests.len() }.into());
            }
            session.check_fits(ids.len())?;
            tokens.push(ids.iter().map(|&id| Idx::new(vocab, id)).collect::<Result<Vec<_>, _>>()?);
        }
        // The last step has some tokens of each, and no more than other steps.
        let last = (PROMPT_BATCH / requests.len()).max(1);
        for ((session, ids), tokens) in requests.iter_mut().zip(&mut tokens) {
            let before = tokens.len().saturating_sub(last);
            for (batch, ids) in tokens[..before].chunks(PROMPT_BATCH).zip(ids.chunks(PROMPT_BATCH)) {
                session.state.step(batch, |step| transformer.prefill(&cpu, step))?;
                session.tokens.extend_from_slice(&ids[..batch.len()]);
            }
            tokens.drain(..before);
        }
        let states = requests.iter_mut().zip(&tokens).map(|((session, _), tokens)| (&mut session.state, &tokens[..]));
        let logits = State::step_together(states.collect(), |step| {
            transformer.requested_logits(&cpu, step, request).into_data()
        })?;
        for ((session, ids), tokens) in requests.iter_mut().zip(&tokens) {
            session.tokens.extend_from_slice(&ids[ids.len() - tokens.len()..]);
        }
        Ok(logits.into_vec())
    }

    fn check_fits(&self, tokens: usize) -> Result<(), StepError> {
        let (used, capacity) = (self.state.len(), self.state.capacity());
        match tokens <= capacity - used {
            true => Ok(()),
            false => Err(StepError::ContextFull { used, capacity, tokens }),
        }
    }

    /// Goes back to the longest common beginning of the session and `ids`, short of the last id, or as near to it as
    /// the state can, and returns how many tokens are left.
    pub fn rewind(&mut self, ids: &[u32]) -> usize {
        let common = self.tokens.iter().zip(ids).take_while(|(old, new)| old == new).count();
        let kept = self.state.rewind(common.min(ids.len().saturating_sub(1)));
        self.tokens.truncate(kept);
        kept
    }
}
