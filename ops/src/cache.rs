//! The keys and values of sequences, and the steps that extend them.
//!
//! What belongs here: axes of a cache, and what a step of it is. What does not: pages and how they are read
//! ([`trine_kernels::attention::pages`]).

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use trine_kernels::attention::pages::{PagePool, Pages};
use trine_kernels::{CacheFull, CacheType, PAGE};
use trine_shapes::{
    Axis, Causal, Idx, Named, Pairing, Past, Plain, Ragged, RopePairing, Rotated, Span, Step, Uniform, Value, View,
};

/// Where sequences take pages for their keys and values from: up to a number that is known when the pool is made.
///
/// `L` are the layers, `K` the key/value heads of each and `D` the elements of a head, whose pairs rotated as `R` says.
/// A page holds [`PAGE`] positions of one sequence in all layers. A pool is a handle: clones are the same pool.
#[derive(Debug)]
pub struct KvPool<L, K, D, R = RopePairing> {
    pool: Arc<PagePool>,
    axes: (L, K, D),
    pairing: PhantomData<R>,
}

impl<L: Copy, K: Copy, D: Copy, R> Clone for KvPool<L, K, D, R> {
    fn clone(&self) -> Self {
        KvPool { pool: self.pool.clone(), axes: self.axes, pairing: PhantomData }
    }
}

impl<L: Axis, K: Axis, D: Plain, R: Pairing> KvPool<L, K, D, R> {
    /// A pool of up to `pages` pages. Memory comes into use with them, by huge pages where the system has any.
    ///
    /// # Errors
    /// [`CacheFull::Memory`] where the system does not give so much memory.
    pub fn new(layers: L, heads: K, head: D, pages: usize, kind: CacheType) -> Result<Self, CacheFull> {
        let pool = PagePool::new(kind, layers.len(), heads.len(), head.len(), pages)?;
        Ok(KvPool { pool, axes: (layers, heads, head), pairing: PhantomData })
    }

    /// A sequence without positions.
    pub fn sequence(&self) -> KvSequence<L, K, D, R> {
        KvSequence { pages: Pages::new(&self.pool), len: 0, axes: self.axes, pairing: PhantomData }
    }

    /// A sequence of `len` positions whose keys and values are what [`KvSequence::to_bytes`] made of those of another,
    /// which had a pool of the same axes and type of elements.
    ///
    /// # Errors
    /// [`CacheFull`] where the pool has not enough pages left.
    ///
    /// # Panics
    /// If there are not as many bytes as the positions take.
    pub fn from_bytes(&self, len: usize, bytes: &[u8]) -> Result<KvSequence<L, K, D, R>, CacheFull> {
        assert_eq!(bytes.len(), Self::pages_for(len) * self.bytes_per_page(), "bytes of the pages of the positions");
        Ok(KvSequence { pages: Pages::from_bytes(&self.pool, bytes)?, len, ..self.sequence() })
    }

    /// The pages themselves.
    pub(crate) fn pages_of(&self) -> &Arc<PagePool> {
        &self.pool
    }

    /// Pages there may be.
    pub fn pages(&self) -> usize {
        self.pool.pages()
    }

    /// Pages that no sequence has.
    pub fn free_pages(&self) -> usize {
        self.pool.free()
    }

    /// The type of the elements.
    pub fn kind(&self) -> CacheType {
        self.pool.kind()
    }

    /// Bytes of a page.
    pub fn bytes_per_page(&self) -> usize {
        self.pool.bytes_per_page()
    }

    /// Pages for so many positions of one sequence.
    pub fn pages_for(positions: usize) -> usize {
        positions.div_ceil(PAGE)
    }
}

/// The keys and values of one sequence, in pages of a [`KvPool`].
#[derive(Debug)]
pub struct KvSequence<L, K, D, R = RopePairing> {
    pages: Pages,
    len: usize,
    axes: (L, K, D),
    pairing: PhantomData<R>,
}

/// Sequences that do not take a step together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheStepError {
    /// There is no memory for the positions of the step.
    #[error(transparent)]
    Full(#[from] CacheFull),
    /// The step has more sequences than caches, or less.
    #[error("a step of {step} sequences needs as many caches, and there are {caches}")]
    Sequences {
        /// Sequences of the step.
        step: usize,
        /// Caches.
        caches: usize,
    },
    /// A sequence brings no token.
    #[error("sequence {sequence} of the step brings no token")]
    Empty {
        /// Which sequence.
        sequence: usize,
    },
    /// A sequence is not where the step says.
    #[error("sequence {sequence} of the step is behind {expected} positions, and its cache has {found}")]
    Past {
        /// Which sequence.
        sequence: usize,
        /// Positions before the step.
        expected: usize,
        /// Positions of the cache.
        found: usize,
    },
    /// The caches are of two pools, whose elements may differ in type.
    #[error("sequence {sequence} of the step has its cache in another pool than the first one")]
    OtherPool {
        /// Which sequence.
        sequence: usize,
    },
}

impl<L: Axis, K: Axis, D: Axis, R: Pairing> KvSequence<L, K, D, R> {
    /// Positions in the cache.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A sequence with the same positions, in the same pages. Whichever of the two goes on first gets a copy of the
    /// page that it writes to.
    pub fn fork(&self) -> Self {
        KvSequence { pages: self.pages.share(), len: self.len, axes: self.axes, pairing: PhantomData }
    }

    /// Forgets all positions from `len` on and gives their pages back; says how many are left, which is `len` or, where
    /// there are not so many, all.
    pub fn rewind(&mut self, len: usize) -> usize {
        self.len = self.len.min(len);
        self.pages.truncate(self.len);
        self.len
    }

    /// As [`rewind`](KvSequence::rewind) where there are more positions; else pages that were reserved stay.
    pub fn rewind_if_longer(&mut self, len: usize) {
        if self.len > len {
            self.rewind(len);
        }
    }

    /// The keys and values of all positions as bytes, which are the same on every machine; of a common beginning too.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.pages.to_bytes(self.len)
    }

    /// Takes the pages of `tokens` positions behind those so far, and a page of its own for those of a shared one, so
    /// that steps up to there take no memory. [`rewind`](KvSequence::rewind) gives back what is behind the positions.
    ///
    /// # Errors
    /// [`CacheFull`] where there are not enough pages; the sequence is then as before.
    pub fn reserve(&mut self, tokens: usize) -> Result<(), CacheFull> {
        let missing = self.pages.missing(self.len, tokens);
        let mut fresh = self.pages.pool().take(missing)?.into_iter();
        self.pages.fill(self.len, tokens, &mut fresh);
        Ok(())
    }

    /// Runs `body` with the ragged step in which each sequence brings so many tokens, after memory was taken for them.
    ///
    /// # Errors
    /// [`CacheStepError`] where a sequence brings no token, there are no pages for the tokens, or as [`KvStep::open`].
    /// The sequences are then as before.
    pub fn step<X>(
        sequences: Vec<&mut Self>,
        tokens: &[usize],
        body: impl for<'step> FnOnce(KvStep<'_, Ragged<'step>, L, K, D, R>) -> X,
    ) -> Result<X, CacheStepError> {
        if sequences.len() != tokens.len() {
            return Err(CacheStepError::Sequences { step: tokens.len(), caches: sequences.len() });
        }
        let spans = sequences.iter().zip(tokens).map(|(sequence, &tokens)| Span { past: sequence.len, tokens });
        let spans: Vec<Span> = spans.collect();
        if let Some(sequence) = tokens.iter().position(|&tokens| tokens == 0) {
            return Err(CacheStepError::Empty { sequence });
        }
        let reason = "each span is the length of its sequence";
        Ragged::assume(&spans, reason, |step| KvStep::open(step, sequences).map(body))
    }

    /// Runs `body` with the rectangular step in which each of the sequences, a `batch` of them, brings `seq` tokens.
    ///
    /// # Errors
    /// As [`KvSequence::step`], and where the sequences do not have equally many positions.
    pub fn step_of_batch<B: Plain, S: Named, X>(
        sequences: Vec<&mut Self>,
        batch: B,
        seq: S,
        body: impl for<'past> FnOnce(KvStep<'_, Uniform<B, Past<'past>, S>, L, K, D, R>) -> X,
    ) -> Result<X, CacheStepError> {
        if seq.len() == 0 {
            return Err(CacheStepError::Empty { sequence: 0 });
        }
        let len = sequences.first().map_or(0, |sequence| sequence.len);
        Past::scope(len, |past| {
            let step = Uniform::assume(batch, past, seq, "the length of the first sequence; the others are compared");
            KvStep::open(step, sequences).map(body)
        })
    }
}

/// The caches of the sequences of a step `T`, with memory for its tokens.
#[must_use = "what a step appends counts once it is committed"]
pub struct KvStep<'c, T, L, K, D, R = RopePairing> {
    step: T,
    sequences: Vec<&'c mut KvSequence<L, K, D, R>>,
    /// Whether each layer has got its keys and values; of no layer where there is no sequence.
    written: Vec<bool>,
}

impl<T: fmt::Debug, L, K, D, R> fmt::Debug for KvStep<'_, T, L, K, D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvStep").field("step", &self.step).finish_non_exhaustive()
    }
}

impl<'c, T: Step, L: Axis, K: Axis, D: Axis, R: Pairing> KvStep<'c, T, L, K, D, R> {
    /// The one checked conversion: `sequences` are those of `step`, each where the step says. Takes all the memory that
    /// the step needs.
    ///
    /// # Errors
    /// [`CacheStepError`] where there are more or less sequences than in the step, one has other positions before it
    /// than the step says, they are of two pools, or there are not enough pages. The sequences are then as before.
    pub fn open(step: T, mut sequences: Vec<&'c mut KvSequence<L, K, D, R>>) -> Result<Self, CacheStepError> {
        if sequences.len() != step.sequences() {
            return Err(CacheStepError::Sequences { step: step.sequences(), caches: sequences.len() });
        }
        let Some(pool) = sequences.first().map(|sequence| sequence.pages.pool().clone()) else {
            return Ok(KvStep { step, sequences, written: Vec::new() });
        };
        let mut missing = 0;
        for (index, (sequence, span)) in sequences.iter_mut().zip(step.spans()).enumerate() {
            if !Arc::ptr_eq(sequence.pages.pool(), &pool) {
                return Err(CacheStepError::OtherPool { sequence: index });
            }
            if span.past != sequence.len {
                let (expected, found) = (span.past, sequence.len);
                return Err(CacheStepError::Past { sequence: index, expected, found });
            }
            missing += sequence.pages.missing(span.past, span.tokens);
        }
        let mut fresh = pool.take(missing)?.into_iter();
        for (sequence, span) in sequences.iter_mut().zip(step.spans()) {
            sequence.pages.fill(span.past, span.tokens, &mut fresh);
        }
        let written = vec![false; sequences[0].axes.0.len()];
        Ok(KvStep { step, sequences, written })
    }

    /// The token axis of the step.
    pub fn axis(&self) -> T {
        self.step
    }

    /// The keys and values of one layer.
    pub fn layer<'l>(&'l mut self, layer: Idx<L>) -> KvLayer<'l, 'c, T, L, K, D, R> {
        KvLayer { caches: self, layer: layer.get() }
    }

    /// Makes the tokens of the step part of the past.
    ///
    /// # Panics
    /// If a layer was not given its keys and values: the next step would see what its pages held before.
    pub fn commit(self) {
        if let Some(layer) = self.written.iter().position(|written| !written) {
            panic!("layer {layer} has no keys and values of this step");
        }
        for (sequence, span) in self.sequences.into_iter().zip(self.step.spans()) {
            sequence.len = span.past + span.tokens;
        }
    }
}

/// The keys and values of one layer in a step.
#[derive(Debug)]
pub struct KvLayer<'l, 'c, T, L, K, D, R = RopePairing> {
    caches: &'l mut KvStep<'c, T, L, K, D, R>,
    layer: usize,
}

/// What a layer has cached of the positions `V`, borrowed for attention.
#[derive(Debug)]
pub struct Cached<'l, K, D, V, R = RopePairing> {
    pages: Vec<&'l Pages>,
    layer: usize,
    axes: (K, D),
    positions: V,
    pairing: PhantomData<R>,
}

impl<'l, T: Step, L: Axis, K: Axis, D: Axis, R: Pairing> KvLayer<'l, '_, T, L, K, D, R> {
    /// Writes the keys and values of the step behind those of the past, and lends all that its tokens see:
    /// `(T, K, D)` becomes part of `Cached<K, D, Causal<T>>`.
    ///
    /// ```
    /// use trine_ops::KvLayer;
    /// use trine_shapes::*;
    ///
    /// type Layer<'l, 'c, T, M> = KvLayer<'l, 'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;
    /// type Rows<'k, T, M, D> = View<'k, f32, (T, KvHeads<M>, D)>;
    /// type Keys<'k, T, M> = Rows<'k, T, M, Rotated<HeadDim<M>>>;
    /// type Values<'k, T, M> = Rows<'k, T, M, Value<HeadDim<M>>>;
    /// fn keep<T: Step, M: Model>(layer: Layer<T, M>, keys: Keys<T, M>, values: Values<T, M>) {
    ///     layer.append(keys, values);
    /// }
    /// ```
    /// Keys that were not rotated stay out, and so do those of another step:
    /// ```compile_fail,E0308
    /// # use trine_ops::KvLayer;
    /// # use trine_shapes::*;
    /// # type Layer<'l, 'c, T, M> = KvLayer<'l, 'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;
    /// # type Rows<'k, T, M, D> = View<'k, f32, (T, KvHeads<M>, D)>;
    /// # type Values<'k, T, M> = Rows<'k, T, M, Value<HeadDim<M>>>;
    /// fn keep<T: Step, M: Model>(layer: Layer<T, M>, keys: Rows<T, M, HeadDim<M>>, values: Values<T, M>) {
    ///     layer.append(keys, values);
    /// }
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_ops::KvLayer;
    /// # use trine_shapes::*;
    /// # type Layer<'l, 'c, T, M> = KvLayer<'l, 'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;
    /// # type Rows<'k, T, M, D> = View<'k, f32, (T, KvHeads<M>, D)>;
    /// # type Keys<'k, T, M> = Rows<'k, T, M, Rotated<HeadDim<M>>>;
    /// # type Values<'k, T, M> = Rows<'k, T, M, Value<HeadDim<M>>>;
    /// fn keep<T: Step, U: Step, M: Model>(layer: Layer<T, M>, keys: Keys<U, M>, values: Values<T, M>) {
    ///     layer.append(keys, values);
    /// }
    /// ```
    pub fn append(
        self,
        keys: View<'_, f32, (T, K, Rotated<D, R>)>,
        values: View<'_, f32, (T, K, Value<D>)>,
    ) -> Cached<'l, K, D, Causal<T>, R> {
        let KvLayer { caches, layer } = self;
        if let Some(written) = caches.written.get_mut(layer) {
            *written = true;
        }
        let (step, heads, _) = keys.shape();
        let head = values.shape().2.inner();
        let width = heads.len() * head.len();
        let (mut keys, mut values) = (keys.data(), values.data());
        for (sequence, span) in caches.sequences.iter_mut().zip(step.spans()) {
            let (now_keys, later_keys) = keys.split_at(span.tokens * width);
            let (now_values, later_values) = values.split_at(span.tokens * width);
            sequence.pages.write(layer, span.past, now_keys, now_values, width);
            (keys, values) = (later_keys, later_values);
        }
        let pages = caches.sequences.iter().map(|sequence| &sequence.pages).collect();
        Cached { pages, layer, axes: (heads, head), positions: Causal::of(step), pairing: PhantomData }
    }
}

impl<K: Axis, D: Axis, V: Copy, R> Cached<'_, K, D, V, R> {
    /// The axes of the key/value heads and of one head.
    pub fn axes(&self) -> (K, D) {
        self.axes
    }

    /// The positions.
    pub fn positions(&self) -> V {
        self.positions
    }

    /// The pages of each sequence, and the layer.
    pub(crate) fn pages(&self) -> (&[&Pages], usize) {
        (&self.pages, self.layer)
    }
}
#[cfg(test)]
mod tests;
