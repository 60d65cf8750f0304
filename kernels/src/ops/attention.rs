//! Attention over cached keys and values, and the buffers that hold them.

use crate::cpu::Cpu;
use crate::float::attention::int8::{Int8Head, Int8Layout};
use crate::float::attention::layout::{Layout, Side};
use crate::float::attention::product::FloatHead;
use crate::float::attention::{AttentionShape, attention};
use crate::huge_pages::HugePages;
use core::fmt;
use trine_shapes::{Axis, Pairing, Plus, Product, Rotated, Tensor, Value, View};

/// The type of the elements of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheType {
    /// Single precision: what comparisons with other engines use.
    F32,
    /// Half precision, rounded to nearest even: half the memory and bandwidth.
    F16,
    /// Signed bytes with one f32 scale for each position of a head: 132 bytes for 128 elements. An element `x` is
    /// stored as `round(127 x / absmax)`, with `absmax` the largest magnitude of its row, so it is off by up to
    /// `absmax / 254`; queries and weights are rounded to 16 bits.
    Q8,
}

impl fmt::Display for CacheType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CacheType::F32 => "f32",
            CacheType::F16 => "f16",
            CacheType::Q8 => "q8",
        })
    }
}

/// Elements of a cache and their order: single precision, little-endian halves, or bytes and their scales.
#[derive(Debug)]
enum Elements {
    F32(Layout, HugePages<f32>),
    F16(Layout, HugePages<[u8; 2]>),
    Q8(Int8Layout, HugePages<i8>, HugePages<f32>),
}

impl Elements {
    /// Zeros for `heads` heads; `None` where memory does not hold so many.
    fn new(side: Side, heads: usize, capacity: usize, head_dim: usize, kind: CacheType) -> Option<Elements> {
        match kind {
            CacheType::F32 => {
                let layout = Layout::new(side, capacity, head_dim)?;
                Some(Elements::F32(layout, HugePages::zeros(layout.elements(heads)?)?))
            }
            CacheType::F16 => {
                let layout = Layout::new(side, capacity, head_dim)?;
                Some(Elements::F16(layout, HugePages::zeros(layout.elements(heads)?)?))
            }
            CacheType::Q8 => {
                let layout = Int8Layout::new(side, capacity, head_dim)?;
                let (codes, scales) = layout.lengths(heads)?;
                Some(Elements::Q8(layout, HugePages::zeros(codes)?, HugePages::zeros(scales)?))
            }
        }
    }
}

/// The keys or the values of one block, for a batch of sequences.
///
/// Memory is `[B][K]` heads of `capacity` positions, in the order in which attention reads them: positions are rounded
/// up to a multiple of 64, and the elements of a value to a multiple of 16.
#[derive(Debug)]
pub struct CacheBuffer<B, K, D> {
    elements: Elements,
    batch: B,
    heads: K,
    head: D,
    capacity: usize,
}

/// A cache that memory cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a cache of {batch} sequences of {capacity} positions does not fit in memory; ask for fewer positions")]
pub struct CacheFull {
    /// Sequences.
    pub batch: usize,
    /// Positions of each.
    pub capacity: usize,
}

/// What a cache with the axes `B`, `K` and `D` holds of the positions `T`, borrowed for attention.
#[derive(Debug)]
pub struct Cached<'c, B, K, D, T> {
    buffer: &'c CacheBuffer<B, K, D>,
    positions: T,
}

impl<B: Axis, K: Axis, D: Axis, R: Pairing> CacheBuffer<B, K, Rotated<D, R>> {
    /// An empty buffer of up to `capacity` keys, zeroed by the system as it comes into use, by huge
    /// pages where it has any.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn keys(batch: B, heads: K, head: D, capacity: usize, kind: CacheType) -> Result<Self, CacheFull> {
        CacheBuffer::new(Side::Keys, batch, heads, Rotated::of(head), capacity, kind)
    }
}

impl<B: Axis, K: Axis, D: Axis> CacheBuffer<B, K, Value<D>> {
    /// An empty buffer of up to `capacity` values, zeroed by the system as it comes into use, by huge
    /// pages where it has any.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn values(batch: B, heads: K, head: D, capacity: usize, kind: CacheType) -> Result<Self, CacheFull> {
        CacheBuffer::new(Side::Values, batch, heads, Value::of(head), capacity, kind)
    }
}

impl<B: Axis, K: Axis, D: Axis> CacheBuffer<B, K, D> {
    fn new(side: Side, batch: B, heads: K, head: D, capacity: usize, kind: CacheType) -> Result<Self, CacheFull> {
        let count = batch.len().checked_mul(heads.len());
        match count.and_then(|count| Elements::new(side, count, capacity, head.len(), kind)) {
            Some(elements) => Ok(CacheBuffer { elements, batch, heads, head, capacity }),
            None => Err(CacheFull { batch: batch.len(), capacity }),
        }
    }

    /// The axes of the batch, of the heads and of one head.
    pub fn axes(&self) -> (B, K, D) {
        (self.batch, self.heads, self.head)
    }

    /// Positions that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes the rows of this step behind those of the past, and lends all of them: `(B, S, K, D)` becomes part of
    /// `Cached<B, K, D, Plus<P, S>>`.
    ///
    /// ```
    /// use trine_kernels::CacheBuffer;
    /// use trine_shapes::*;
    ///
    /// type Buffer<M> = CacheBuffer<Fixed<1>, KvHeads<M>, Rotated<HeadDim<M>>>;
    /// type Keys<'k, M, D> = View<'k, f32, (Fixed<1>, Fixed<8>, KvHeads<M>, D)>;
    /// fn keep<M: Model>(buffer: &mut Buffer<M>, keys: Keys<M, Rotated<HeadDim<M>>>, at: Plus<Fixed<5>, Fixed<8>>) {
    ///     buffer.append(keys, at);
    /// }
    /// ```
    /// Keys that were not rotated stay out:
    /// ```compile_fail,E0308
    /// # use trine_kernels::CacheBuffer;
    /// # use trine_shapes::*;
    /// # type Buffer<M> = CacheBuffer<Fixed<1>, KvHeads<M>, Rotated<HeadDim<M>>>;
    /// # type Keys<'k, M, D> = View<'k, f32, (Fixed<1>, Fixed<8>, KvHeads<M>, D)>;
    /// fn keep<M: Model>(buffer: &mut Buffer<M>, keys: Keys<M, HeadDim<M>>, at: Plus<Fixed<5>, Fixed<8>>) {
    ///     buffer.append(keys, at);
    /// }
    /// ```
    ///
    /// # Panics
    /// If the positions `at` exceed the capacity.
    pub fn append<P: Axis, S: Axis>(
        &mut self,
        x: View<'_, f32, (B, S, K, D)>,
        at: Plus<P, S>,
    ) -> Cached<'_, B, K, D, Plus<P, S>> {
        assert!(at.len() <= self.capacity, "{} positions in a cache of {}", at.len(), self.capacity);
        let (x, heads, past, positions) = (x.data(), self.heads.len(), at.0.len(), at.1.len());
        match &mut self.elements {
            Elements::F32(layout, elements) => layout.write(elements, x, heads, past, positions),
            Elements::F16(layout, elements) => layout.write(elements, x, heads, past, positions),
            Elements::Q8(layout, codes, scales) => layout.write((codes, scales), x, heads, past, positions),
        }
        self.positions(at)
    }

    /// Lends the rows of the positions `at`, which were written before.
    ///
    /// # Panics
    /// If the positions exceed the capacity.
    pub fn positions<P: Axis, S: Axis>(&self, at: Plus<P, S>) -> Cached<'_, B, K, D, Plus<P, S>> {
        assert!(at.len() <= self.capacity, "{} positions in a cache of {}", at.len(), self.capacity);
        Cached { buffer: self, positions: at }
    }
}

impl Cpu {
    /// Causal grouped-query attention: `softmax(q k^T / sqrt(D)) v` for each query head, over the positions up to the
    /// query's own, in f32; over a [`CacheType::Q8`] cache with queries and weights of 16 bits.
    ///
    /// Shapes: queries `(B, S, H, Rotated<D>)`, keys and values of `K` heads at the positions `Plus<P, S>`, result
    /// `(B, S, H, D)`. Query heads are `H = K x Group`, so the key/value head of a query head follows from the types,
    /// as does the causal offset from `Plus<P, S>`. Source: Ainslie et al. 2023 (arXiv 2305.13245).
    ///
    /// ```
    /// use trine_kernels::{Cached, Cpu};
    /// use trine_shapes::*;
    ///
    /// type Queries<'q, M> = View<'q, f32, (Fixed<1>, Fixed<8>, Heads<M>, Rotated<HeadDim<M>>)>;
    /// type Keys<'c, M, K> = Cached<'c, Fixed<1>, K, Rotated<HeadDim<M>>, Plus<Fixed<5>, Fixed<8>>>;
    /// type Values<'c, M> = Cached<'c, Fixed<1>, KvHeads<M>, Value<HeadDim<M>>, Plus<Fixed<5>, Fixed<8>>>;
    /// fn attend<M: Model>(cpu: &Cpu, q: Queries<M>, k: Keys<M, KvHeads<M>>, v: Values<M>) {
    ///     cpu.attention(q, k, v);
    /// }
    /// ```
    /// Keys have the key/value heads, not those of the queries:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Cached, Cpu};
    /// # use trine_shapes::*;
    /// # type Queries<'q, M> = View<'q, f32, (Fixed<1>, Fixed<8>, Heads<M>, Rotated<HeadDim<M>>)>;
    /// # type Keys<'c, M, K> = Cached<'c, Fixed<1>, K, Rotated<HeadDim<M>>, Plus<Fixed<5>, Fixed<8>>>;
    /// # type Values<'c, M> = Cached<'c, Fixed<1>, KvHeads<M>, Value<HeadDim<M>>, Plus<Fixed<5>, Fixed<8>>>;
    /// fn attend<M: Model>(cpu: &Cpu, q: Queries<M>, k: Keys<M, Heads<M>>, v: Values<M>) {
    ///     cpu.attention(q, k, v);
    /// }
    /// ```
    ///
    /// # Panics
    /// If keys and values are of caches with different element types.
    pub fn attention<B: Axis, P: Axis, S: Axis, H, K: Axis, G: Axis, D: Axis, R: Pairing>(
        &self,
        q: View<'_, f32, (B, S, H, Rotated<D, R>)>,
        keys: Cached<'_, B, K, Rotated<D, R>, Plus<P, S>>,
        values: Cached<'_, B, K, Value<D>, Plus<P, S>>,
    ) -> Tensor<f32, (B, S, H, D)>
    where
        H: Product<Outer = K, Inner = G>,
    {
        let (batch, seq, heads, _) = q.shape();
        let (kv_heads, group) = heads.factors();
        let head = values.buffer.axes().2.inner();
        let mut y = Tensor::zeros((batch, seq, heads, head));
        let shape = AttentionShape {
            batch: batch.len(),
            positions: seq.len(),
            past: keys.positions.0.len(),
            kv_heads: kv_heads.len(),
            group: group.len(),
            head_dim: head.len(),
        };
        match (&keys.buffer.elements, &values.buffer.elements) {
            (Elements::F32(of_keys, k), Elements::F32(of_values, v)) => {
                let head = |index| FloatHead { keys: of_keys.head(k, index), values: of_values.head(v, index) };
                attention(self, shape, q.data(), head, y.data_mut());
            }
            (Elements::F16(of_keys, k), Elements::F16(of_values, v)) => {
                let head = |index| FloatHead { keys: of_keys.head(k, index), values: of_values.head(v, index) };
                attention(self, shape, q.data(), head, y.data_mut());
            }
            (Elements::Q8(of_keys, k, k_scales), Elements::Q8(of_values, v, v_scales)) => {
                let head = |index| Int8Head {
                    keys: of_keys.head((k, k_scales), index),
                    values: of_values.head((v, v_scales), index),
                };
                attention(self, shape, q.data(), head, y.data_mut());
            }
            _ => panic!("keys and values are cached in different types"),
        }
        y
    }
}
