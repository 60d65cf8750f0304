//! One sequence: its state, its tokens so far, and the logits that follow them.

use super::ids::checked;
use crate::network::{Logits, LogitsRequest, Ops, Part, State, StatePool, StepError, Traced, Transformer};
use std::ops::ControlFlow;
use std::sync::Arc;
use trine_kernels::{CacheFull, CacheType, PAGE};
use trine_ops::Cpu;
use trine_shapes::{Idx, Model, NotAnIndex, Tensor, Vocab};

/// One sequence of a model: its state and its tokens so far. It owns a share of the transformer and of the machine, so
/// that a program can keep it and send it to another thread.
#[derive(Debug)]
pub struct Session<M> {
    transformer: Arc<Transformer<M>>,
    cpu: Cpu,
    state: State<M>,
    tokens: Vec<Idx<Vocab<M>>>,
    /// How many of the last tokens are only guessed: nobody sees them until they turn out right.
    guessed: usize,
}

impl<M: Model> Session<M> {
    /// Tokens of a prompt that go through the model together: as many as a page has, so that attention sees whole
    /// pages.
    pub const PROMPT_BATCH: usize = PAGE;

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
        Session { transformer, cpu, state: pool.state(context), tokens: Vec::new(), guessed: 0 }
    }

    /// A second session with the same tokens, which shares the memory of their keys and values.
    pub fn fork(&self) -> Self {
        let (transformer, cpu) = (self.transformer.clone(), self.cpu.clone());
        let Session { ref state, ref tokens, guessed, .. } = *self;
        let mut fork = Session { transformer, cpu, state: state.fork(), tokens: tokens.clone(), guessed };
        fork.take_back();
        fork
    }

    /// Its state as bytes, which are the same on every machine.
    #[cfg(feature = "text")]
    pub(crate) fn state_bytes(&self) -> Vec<u8> {
        self.fork().state.to_bytes()
    }

    /// The session of these tokens whose state is in the bytes.
    ///
    /// # Errors
    /// [`CacheFull`] where the pool has not enough pages left.
    ///
    /// # Panics
    /// If the bytes are not those of so many tokens.
    #[cfg(feature = "text")]
    pub(crate) fn saved(
        transformer: &Arc<Transformer<M>>,
        cpu: &Cpu,
        (pool, context): (&StatePool<M>, usize),
        tokens: Vec<Idx<Vocab<M>>>,
        bytes: &[u8],
    ) -> Result<Self, CacheFull> {
        let state = pool.saved_state(context, tokens.len(), bytes)?;
        Ok(Session { transformer: transformer.clone(), cpu: cpu.clone(), state, tokens, guessed: 0 })
    }

    /// The transformer.
    pub fn transformer(&self) -> &Arc<Transformer<M>> {
        &self.transformer
    }

    /// The tokens so far.
    pub fn tokens(&self) -> &[Idx<Vocab<M>>] {
        &self.tokens[..self.tokens.len() - self.guessed]
    }

    /// Whether [`rewind`](Session::rewind) can go back to any token. Where some blocks have the delta rule, it goes
    /// back to the last page ends, of 256 tokens each, and else to the beginning.
    pub fn goes_back_anywhere(&self) -> bool {
        self.state.goes_back_anywhere()
    }

    /// Tokens that go through the model together next: up to a page end where a state is kept for it.
    fn batch(&self) -> usize {
        if self.goes_back_anywhere() { Self::PROMPT_BATCH } else { PAGE - self.state.len() % PAGE }
    }

    /// Computes what a state has lost of the tokens, when a step was given up.
    fn catch_up(&mut self) -> Result<(), StepError> {
        while self.state.len() < self.tokens.len() {
            let (from, count) = (self.state.len(), self.batch());
            let tokens = &self.tokens[from..self.tokens.len().min(from + count)];
            let (transformer, cpu) = (&self.transformer, &self.cpu);
            self.state.step(tokens, |step| transformer.prefill(cpu, step))?;
        }
        Ok(())
    }

    /// Whether no further token fits.
    pub fn is_full(&self) -> bool {
        self.tokens().len() == self.state.capacity()
    }

    /// Most tokens that fit.
    pub fn capacity(&self) -> usize {
        self.state.capacity()
    }

    /// The vocabulary that tokens are from.
    pub fn vocab(&self) -> Vocab<M> {
        Vocab::of(self.transformer.model)
    }

    /// Ids as tokens, where a program has them from elsewhere than a [`ModelTokenizer`](super::ModelTokenizer).
    ///
    /// # Errors
    /// [`NotAnIndex`] where one is beyond the vocabulary.
    pub fn tokens_of(&self, ids: &[u32]) -> Result<Vec<Idx<Vocab<M>>>, NotAnIndex> {
        checked(self.vocab(), ids)
    }

    /// Appends tokens and returns the logits that follow the last one.
    ///
    /// # Errors
    /// No token, or a full context; the session is then as before.
    pub fn feed(&mut self, tokens: &[Idx<Vocab<M>>]) -> Result<Tensor<f32, (Vocab<M>,)>, StepError> {
        let logits = self.feed_while(tokens, LogitsRequest::All, &mut || ControlFlow::Continue(()))?;
        let dense = logits.expect("nothing interrupts it").into_dense();
        Ok(Tensor::from_data((self.vocab(),), dense))
    }

    /// As [`feed`](Session::feed) for the logits that are asked for, and calls `see` with the number of the block
    /// (`None` outside of blocks), each [`Part`] of each batch as soon as it is computed, and its values, row by row.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_watched(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        request: LogitsRequest,
        see: &mut dyn FnMut(Option<usize>, Part, &[f32]),
    ) -> Result<Logits<Vocab<M>>, StepError> {
        let cpu = self.cpu.clone();
        let logits = self.feed_parts(&Traced::new(&cpu, see), tokens, request, &mut || ControlFlow::Continue(()))?;
        Ok(logits.expect("nothing interrupts it"))
    }

    /// As [`feed`](Session::feed) for the logits that are asked for, in batches of 256 tokens between which `proceed`
    /// is asked. `None` where it broke off; the batches before that are part of the session.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_while(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        request: LogitsRequest,
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Logits<Vocab<M>>>, StepError> {
        let cpu = self.cpu.clone();
        self.feed_parts(&cpu, tokens, request, proceed)
    }

    fn feed_parts(
        &mut self,
        ops: &impl Ops,
        tokens: &[Idx<Vocab<M>>],
        request: LogitsRequest,
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Logits<Vocab<M>>>, StepError> {
        self.take_back();
        self.catch_up()?;
        let transformer = self.transformer.clone();
        self.state.check_room(tokens.len(), 1)?;
        let mut last = tokens;
        while let Some((batch, rest)) = last.split_at_checked(self.batch()).filter(|(_, rest)| !rest.is_empty()) {
            self.state.step(batch, |step| transformer.prefill(ops, step))?;
            self.tokens.extend_from_slice(batch);
            last = rest;
            if proceed().is_break() {
                return Ok(None);
            }
        }
        let logits = self.state.step(last, |step| transformer.requested_logits(ops, step, request).into_data())?;
        self.tokens.extend_from_slice(last);
        Ok(logits.into_vec().pop())
    }

    /// Appends tokens and shows the logits that follow each of them, in their order, with the number of the token among
    /// these. In batches of 256 tokens between which `proceed` is asked; says whether all of them were appended.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_each(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        see: &mut dyn FnMut(usize, Logits<Vocab<M>>),
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<bool, StepError> {
        self.take_back();
        self.catch_up()?;
        self.state.check_room(tokens.len(), 1)?;
        let mut done = 0;
        while done < tokens.len() {
            if done > 0 && proceed().is_break() {
                return Ok(false);
            }
            let batch = &tokens[done..tokens.len().min(done + self.batch())];
            let (transformer, cpu) = (&self.transformer, &self.cpu);
            self.state.step(batch, |step| {
                let wanted: Vec<_> = Idx::all(step.axis()).map(|row| (row, LogitsRequest::All)).collect();
                transformer.wanted_logits(cpu, step, &wanted, &mut |at, logits| see(done + at, logits));
            })?;
            self.tokens.extend_from_slice(batch);
            done += batch.len();
        }
        Ok(true)
    }

    /// Appends tokens to each of some sessions, in steps of all of them together, and returns the logits that follow,
    /// in their order. Each gets the bits that it would get alone.
    ///
    /// # Errors
    /// No token, a full context, or sessions of different pools or transformers; the sessions are then as before. Where
    /// there is no memory for a step, sessions may have taken the beginnings of their tokens.
    pub fn feed_together(
        mut requests: Vec<(&mut Session<M>, &[Idx<Vocab<M>>])>,
        request: LogitsRequest,
    ) -> Result<Vec<Logits<Vocab<M>>>, StepError> {
        requests.iter_mut().for_each(|(session, _)| session.take_back());
        requests.iter_mut().try_for_each(|(session, _)| session.catch_up())?;
        let Some((first, _)) = requests.first() else {
            return Ok(Vec::new());
        };
        let (transformer, cpu) = (first.transformer.clone(), first.cpu.clone());
        for (sequence, (session, tokens)) in requests.iter().enumerate() {
            if !Arc::ptr_eq(&session.transformer, &transformer) {
                return Err(StepError::OtherPool { sequence });
            }
            session.state.check_room(tokens.len(), requests.len())?;
        }
        // The last step has some tokens of each, and no more than other steps.
        let last = (Self::PROMPT_BATCH / requests.len()).max(1);
        for (session, tokens) in &mut requests {
            let (before, rest) = tokens.split_at(tokens.len().saturating_sub(last));
            let mut before = before;
            while !before.is_empty() {
                let (batch, later) = before.split_at(session.batch().min(before.len()));
                session.state.step(batch, |step| transformer.prefill(&cpu, step))?;
                session.tokens.extend_from_slice(batch);
                before = later;
            }
            *tokens = rest;
        }
        let states = requests.iter_mut().map(|(session, tokens)| (&mut session.state, *tokens));
        let logits = State::step_together(states.collect(), |step| {
            transformer.requested_logits(&cpu, step, request).into_data()
        })?;
        for (session, tokens) in requests {
            session.tokens.extend_from_slice(tokens);
        }
        Ok(logits.into_vec())
    }

    /// Appends a token and guesses behind it in one step, and returns the logits that follow each of them.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    #[cfg(feature = "text")]
    pub(super) fn feed_guesses(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        request: LogitsRequest,
    ) -> Result<Vec<Logits<Vocab<M>>>, StepError> {
        self.take_back();
        let (transformer, cpu) = (&self.transformer, &self.cpu);
        let mut logits: Vec<Option<Logits<Vocab<M>>>> = tokens.iter().map(|_| None).collect();
        self.state.step(tokens, |step| {
            let wanted: Vec<_> = Idx::all(step.axis()).map(|row| (row, request.clone())).collect();
            transformer.wanted_logits(cpu, step, &wanted, &mut |at, of_token| logits[at] = Some(of_token));
        })?;
        self.tokens.extend_from_slice(tokens);
        self.guessed = tokens.len() - 1;
        Ok(logits.into_iter().flatten().collect())
    }

    /// The first of the guessed tokens has turned out right.
    #[cfg(feature = "text")]
    pub(super) fn confirm(&mut self) {
        self.guessed -= 1;
    }

    /// Forgets tokens that were only guessed.
    fn take_back(&mut self) {
        if self.guessed > 0 {
            let kept = self.state.rewind(self.tokens().len());
            self.tokens.truncate(kept);
            self.guessed = 0;
        }
    }

    /// Goes back to the longest common beginning of the session and `tokens`, short of the last one, or as near to it
    /// as the state can, and returns how many tokens are left.
    pub fn rewind(&mut self, tokens: &[Idx<Vocab<M>>]) -> usize {
        self.take_back();
        let common = self.tokens.iter().zip(tokens).take_while(|(old, new)| old == new).count();
        let kept = self.state.rewind(common.min(tokens.len().saturating_sub(1)));
        self.tokens.truncate(kept);
        kept
    }
}
