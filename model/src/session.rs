//! One sequence: its cache, its tokens so far, and the logits that follow them.

use crate::cache::{KvCache, StepError};
use crate::generation::{Logits, LogitsRequest};
use crate::part::Part;
use crate::transformer::Transformer;
use std::ops::ControlFlow;
use trine_kernels::{CacheFull, CacheType, Cpu};
use trine_shapes::{Fixed, Idx, Model, NotAnIndex, Vocab};

/// Ids that cannot be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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

/// One sequence of a model: its cache and its tokens so far.
pub struct Session<'m, M> {
    transformer: &'m Transformer<M>,
    cpu: &'m Cpu,
    cache: KvCache<M, Fixed<1>>,
    tokens: Vec<u32>,
}

impl<'m, M: Model> Session<'m, M> {
    /// An empty session of up to `context` positions, or the model's context where that is less.
    ///
    /// # Errors
    /// [`CacheFull`] where memory cannot hold so many.
    pub fn new(
        transformer: &'m Transformer<M>,
        cpu: &'m Cpu,
        context: usize,
        kind: CacheType,
    ) -> Result<Self, CacheFull> {
        let cache = KvCache::new(transformer, Fixed, context, kind)?;
        Ok(Session { transformer, cpu, cache, tokens: Vec::new() })
    }

    /// The tokens so far.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Whether no further token fits.
    pub fn is_full(&self) -> bool {
        self.cache.len() == self.cache.capacity()
    }

    /// Most tokens that fit.
    pub fn capacity(&self) -> usize {
        self.cache.capacity()
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
        see: &mut impl FnMut(Option<usize>, Part, &[f32]),
    ) -> Result<Logits, SessionError> {
        let logits = self.feed_parts(ids, request, &mut || ControlFlow::Continue(()), see)?;
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
        self.feed_parts(ids, request, proceed, &mut |_, _, _| ())
    }

    fn feed_parts(
        &mut self,
        ids: &[u32],
        request: LogitsRequest,
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
        see: &mut impl FnMut(Option<usize>, Part, &[f32]),
    ) -> Result<Option<Logits>, SessionError> {
        let vocab = self.cache.vocab();
        let tokens: Vec<Idx<Vocab<M>>> = ids.iter().map(|&id| Idx::new(vocab, id)).collect::<Result<_, _>>()?;
        let (used, capacity) = (self.cache.len(), self.cache.capacity());
        if tokens.len() > capacity - used {
            return Err(StepError::ContextFull { used, capacity, tokens: tokens.len() }.into());
        }
        let (transformer, cpu) = (self.transformer, self.cpu);
        let (before, last) = tokens.split_at(tokens.len().saturating_sub(1) / PROMPT_BATCH * PROMPT_BATCH);
        for (batch, ids) in before.chunks(PROMPT_BATCH).zip(ids.chunks(PROMPT_BATCH)) {
            self.cache.step(batch, |step| transformer.watched_prefill(cpu, step, see))?;
            self.tokens.extend_from_slice(ids);
            if proceed().is_break() {
                return Ok(None);
            }
        }
        let logits = self.cache.step(last, |step| transformer.watched_logits(cpu, step, request, see))?;
        self.tokens.extend_from_slice(&ids[before.len()..]);
        Ok(logits.into_iter().next())
    }

    /// Goes back to the longest common beginning of the session and `ids`, short of the last id, and returns its
    /// length.
    pub fn rewind(&mut self, ids: &[u32]) -> usize {
        let common = self.tokens.iter().zip(ids).take_while(|(old, new)| old == new).count();
        let kept = common.min(ids.len().saturating_sub(1));
        self.cache.truncate(kept);
        self.tokens.truncate(kept);
        kept
    }
}
