//! The KV cache, and the steps that extend it.
//!
//! A step is opened by [`KvCache::step`]: there, and only there, is it checked that the tokens fit. Inside, the
//! positions of earlier steps ([`Past`]) and of this one ([`Seq`]) are axes of their own.

use crate::transformer::Transformer;
use trine_kernels::{CacheBuffer, CacheFull, CacheType, Cached};
use trine_shapes::{Axis, HeadDim, Idx, KvHeads, Model, Past, Plus, Rotated, Seq, Value, View, Vocab};

/// Rotated keys and values of one block.
#[derive(Debug)]
pub(crate) struct LayerCache<M, B> {
    keys: CacheBuffer<B, KvHeads<M>, Rotated<HeadDim<M>>>,
    values: CacheBuffer<B, KvHeads<M>, Value<HeadDim<M>>>,
}

/// The rotated keys of the positions `T`.
type Keys<'c, M, B, T> = Cached<'c, B, KvHeads<M>, Rotated<HeadDim<M>>, T>;
/// The values of the positions `T`.
type Values<'c, M, B, T> = Cached<'c, B, KvHeads<M>, Value<HeadDim<M>>, T>;

impl<M: Model, B: Axis> LayerCache<M, B> {
    /// Stores the keys and values of this step behind those of the past, and lends them all.
    pub(crate) fn append<P: Axis, S: Axis>(
        &mut self,
        keys: View<'_, f32, (B, S, KvHeads<M>, Rotated<HeadDim<M>>)>,
        values: View<'_, f32, (B, S, KvHeads<M>, Value<HeadDim<M>>)>,
        at: Plus<P, S>,
    ) -> (Keys<'_, M, B, Plus<P, S>>, Values<'_, M, B, Plus<P, S>>) {
        (self.keys.append(keys, at), self.values.append(values, at))
    }
}

/// The keys and values of a batch of equally long sequences.
///
/// Memory: `2 * layers * B * capacity * KvWidth` elements, which the system provides as they are first written,
/// in huge pages where it has any: nearly all of a cache of megabytes for each block then comes with its first token.
#[derive(Debug)]
pub struct KvCache<M, B> {
    layers: Vec<LayerCache<M, B>>,
    batch: B,
    vocab: Vocab<M>,
    len: usize,
    capacity: usize,
}

/// Tokens that cannot be a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// There is no token.
    #[error("a step needs at least one token for each of its {batch} sequences")]
    Empty {
        /// Sequences in the batch.
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
    /// The sequences would grow beyond the cache.
    #[error("the context is full: {used} of {capacity} positions are used, {tokens} more do not fit")]
    ContextFull {
        /// Positions used.
        used: usize,
        /// Positions the cache holds.
        capacity: usize,
        /// Positions asked for.
        tokens: usize,
    },
}

impl<M: Model, B: Axis> KvCache<M, B> {
    /// An empty cache of `transformer` for `batch` sequences of up to `capacity` positions, or as many as the model was
    /// trained for where that is less.
    ///
    /// # Errors
    /// [`CacheFull`] where so much memory cannot be addressed.
    pub fn new(transformer: &Transformer<M>, batch: B, capacity: usize, kind: CacheType) -> Result<Self, CacheFull> {
        let model = transformer.model;
        let (heads, head) = (KvHeads::of(model), HeadDim::of(model));
        let capacity = capacity.min(transformer.config.context);
        let layer = |_| {
            let keys = CacheBuffer::keys(batch, heads, head, capacity, kind)?;
            let values = CacheBuffer::values(batch, heads, head, capacity, kind)?;
            Ok(LayerCache { keys, values })
        };
        let layers = transformer.layers.iter().map(layer).collect::<Result<_, _>>()?;
        Ok(KvCache { layers, batch, vocab: Vocab::of(model), len: 0, capacity })
    }

    /// Positions in the cache.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no step was taken yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Positions the cache can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The vocabulary that tokens of a step must be from.
    pub fn vocab(&self) -> Vocab<M> {
        self.vocab
    }

    /// Forgets all positions from `len` on; no effect where there are not so many.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Opens a step: `tokens` are those of the first sequence, then those of the second, and so on, equally many.
    ///
    /// The cache grows when a [`Transformer`](crate::Transformer) has taken the step.
    ///
    /// ```
    /// use trine_model::{KvCache, StepError};
    /// use trine_shapes::{Fixed, Idx, Model, Vocab};
    ///
    /// fn next<M: Model>(cache: &mut KvCache<M, Fixed<1>>, token: Idx<Vocab<M>>) -> Result<(), StepError> {
    ///     cache.step(&[token], |step| drop(step))
    /// }
    /// ```
    /// Tokens are those of the cache's model, and the past does not change while a step is open:
    /// ```compile_fail,E0308
    /// # use trine_model::{KvCache, StepError};
    /// # use trine_shapes::{Fixed, Idx, Model, Vocab};
    /// fn next<M: Model, N: Model>(cache: &mut KvCache<M, Fixed<1>>, token: Idx<Vocab<N>>) -> Result<(), StepError> {
    ///     cache.step(&[token], |step| drop(step))
    /// }
    /// ```
    /// ```compile_fail,E0499
    /// # use trine_model::{KvCache, StepError};
    /// # use trine_shapes::{Fixed, Idx, Model, Vocab};
    /// fn next<M: Model>(cache: &mut KvCache<M, Fixed<1>>, token: Idx<Vocab<M>>) -> Result<(), StepError> {
    ///     cache.step(&[token], |step| cache.truncate(3))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StepError`] where there is no token, the sequences are not equally long, or the context is full.
    pub fn step<R>(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        body: impl for<'c, 'p, 's> FnOnce(Step<'c, M, B, Past<'p>, Seq<'s>>) -> R,
    ) -> Result<R, StepError> {
        let (batch, len) = (self.batch.len(), self.len);
        if tokens.is_empty() || batch == 0 {
            return Err(StepError::Empty { batch });
        }
        if !tokens.len().is_multiple_of(batch) {
            return Err(StepError::Ragged { tokens: tokens.len(), batch });
        }
        let each = tokens.len() / batch;
        if each > self.capacity - len {
            return Err(StepError::ContextFull { used: len, capacity: self.capacity, tokens: each });
        }
        Ok(Past::scope(len, |past| {
            Seq::scope(each, |seq| {
                let shape = (self.batch, seq);
                let tokens = View::check("tokens", tokens, &[batch, each], shape).expect("as many as checked above");
                body(Step { tokens, at: Plus(past, seq), cache: self })
            })
        }))
    }
}

/// One step of a batch: its tokens, their positions, and the cache that they extend.
///
/// ```
/// use trine_kernels::Cpu;
/// use trine_model::{Step, Transformer};
/// use trine_shapes::{Axis, Fixed, Model};
///
/// fn decode<M: Model, P: Axis, S: Axis>(cpu: &Cpu, model: &Transformer<M>, step: Step<M, Fixed<1>, P, S>) {
///     model.next_logits(cpu, step);
/// }
/// ```
/// A step is taken once, and tokens alone, without the cache that holds the prompt, are no step:
/// ```compile_fail,E0382
/// # use trine_kernels::Cpu;
/// # use trine_model::{Step, Transformer};
/// # use trine_shapes::{Axis, Fixed, Model};
/// fn decode<M: Model, P: Axis, S: Axis>(cpu: &Cpu, model: &Transformer<M>, step: Step<M, Fixed<1>, P, S>) {
///     model.prefill(cpu, step);
///     model.next_logits(cpu, step);
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_kernels::Cpu;
/// # use trine_model::{Step, Transformer};
/// # use trine_shapes::{Axis, Fixed, Idx, Model, View, Vocab};
/// fn decode<M: Model, S: Axis>(cpu: &Cpu, model: &Transformer<M>, tokens: View<Idx<Vocab<M>>, (Fixed<1>, S)>) {
///     model.next_logits(cpu, tokens);
/// }
/// ```
#[derive(Debug)]
pub struct Step<'c, M, B, P, S> {
    tokens: View<'c, Idx<Vocab<M>>, (B, S)>,
    at: Plus<P, S>,
    cache: &'c mut KvCache<M, B>,
}

impl<'c, M: Model, B: Axis, P: Axis, S: Axis> Step<'c, M, B, P, S> {
    /// The tokens of each sequence.
    pub fn tokens(&self) -> View<'c, Idx<Vocab<M>>, (B, S)> {
        self.tokens
    }

    /// The positions of earlier steps, then those of this one.
    pub fn positions(&self) -> Plus<P, S> {
        self.at
    }

    /// The cache of each block, in order.
    pub(crate) fn layers_mut(&mut self) -> &mut [LayerCache<M, B>] {
        &mut self.cache.layers
    }

    /// Makes the positions of this step part of the past.
    pub(crate) fn commit(self) {
        self.cache.len = self.at.len();
    }
}
