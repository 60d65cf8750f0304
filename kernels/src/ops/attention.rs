//! Attention over cached keys and values, and the buffers that hold them.

use crate::cpu::Cpu;
use crate::float::attention::{AttentionShape, CacheElement, attention};
use trine_shapes::{Axis, Plus, Product, Rotated, Tensor, View};

/// The type of the elements of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheType {
    /// Single precision: what comparisons with other engines use.
    F32,
    /// Half precision, rounded to nearest even: half the memory and bandwidth.
    F16,
}

/// Elements of a cache: single precision, or little-endian halves.
#[derive(Debug)]
enum Elements {
    F32(Vec<f32>),
    F16(Vec<[u8; 2]>),
}

/// The keys or the values of one block, for a batch of sequences: `[B][K][capacity][D]`.
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

impl<B: Axis, K: Axis, D: Axis> CacheBuffer<B, K, D> {
    /// An empty buffer of up to `capacity` positions, zeroed by the system as it comes into use.
    ///
    /// # Errors
    /// [`CacheFull`] where the system does not give so much memory.
    pub fn new(batch: B, heads: K, head: D, capacity: usize, kind: CacheType) -> Result<Self, CacheFull> {
        let lens = [batch.len(), heads.len(), capacity, head.len()];
        let elements = lens.iter().try_fold(1usize, |product, len| product.checked_mul(*len));
        let elements = elements.and_then(|elements| match kind {
            CacheType::F32 => zeros(elements).map(Elements::F32),
            CacheType::F16 => zeros(elements).map(Elements::F16),
        });
        let elements = elements.ok_or(CacheFull { batch: batch.len(), capacity })?;
        Ok(CacheBuffer { elements, batch, heads, head, capacity })
    }

    /// The axes of the batch, of the heads and of one head.
    pub fn axes(&self) -> (B, K, D) {
        (self.batch, self.heads, self.head)
    }

    /// Positions that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes the rows of this step behind those of the past, and lends all of them.
    ///
    /// # Panics
    /// If the positions `at` exceed the capacity.
    pub fn append<P: Axis, S: Axis>(
        &mut self,
        x: View<'_, f32, (B, S, K, D)>,
        at: Plus<P, S>,
    ) -> Cached<'_, B, K, D, Plus<P, S>> {
        assert!(at.len() <= self.capacity, "{} positions in a cache of {}", at.len(), self.capacity);
        let sizes = (self.heads.len(), self.head.len(), self.capacity);
        match &mut self.elements {
            Elements::F32(elements) => write_rows(elements, x.data(), sizes, at.0.len(), at.1.len()),
            Elements::F16(elements) => write_rows(elements, x.data(), sizes, at.0.len(), at.1.len()),
        }
        Cached { buffer: self, positions: at }
    }
}

/// `len` zeros, in pages that the system provides when they are first written; `None` where it refuses them.
fn zeros<E: CacheElement>(len: usize) -> Option<Vec<E>> {
    // `vec!` has the system zero the pages, but ends the process where there are none: so ask for as much before.
    Vec::<E>::new().try_reserve_exact(len).ok()?;
    Some(vec![E::default(); len])
}

/// Copies `[batch][positions][heads][head_dim]` to positions `past..` of `[batch][heads][capacity][head_dim]`.
fn write_rows<E: CacheElement>(
    cache: &mut [E],
    x: &[f32],
    (heads, head_dim, capacity): (usize, usize, usize),
    past: usize,
    positions: usize,
) {
    for (row, x) in x.chunks_exact(head_dim).enumerate() {
        let (token, head) = (row / heads, row % heads);
        let (sequence, position) = (token / positions, past + token % positions);
        let at = ((sequence * heads + head) * capacity + position) * head_dim;
        E::narrow(x, &mut cache[at..at + head_dim]);
    }
}

impl Cpu {
    /// Causal grouped-query attention: `softmax(q k^T / sqrt(D)) v` for each query head, over the positions up to the
    /// query's own, in f32.
    ///
    /// Query heads are `KvHeads x Group`, so the key/value head of a query head follows from the types, as does the
    /// causal offset from `Plus<P, S>`. Source: Ainslie et al. 2023 (arXiv 2305.13245).
    ///
    /// # Panics
    /// If keys and values are of caches with different capacities or element types.
    pub fn attention<B: Axis, P: Axis, S: Axis, H, K: Axis, G: Axis, D: Axis>(
        &self,
        q: View<'_, f32, (B, S, H, Rotated<D>)>,
        keys: Cached<'_, B, K, Rotated<D>, Plus<P, S>>,
        values: Cached<'_, B, K, D, Plus<P, S>>,
    ) -> Tensor<f32, (B, S, H, D)>
    where
        H: Product<Outer = K, Inner = G>,
    {
        let (batch, seq, heads, _) = q.shape();
        let (kv_heads, group) = heads.factors();
        let (_, _, head) = values.buffer.axes();
        let mut y = Tensor::zeros((batch, seq, heads, head));
        assert_eq!(keys.buffer.capacity, values.buffer.capacity, "capacities of the keys' and the values' cache");
        let shape = AttentionShape {
            batch: batch.len(),
            positions: seq.len(),
            past: keys.positions.0.len(),
            kv_heads: kv_heads.len(),
            group: group.len(),
            head_dim: head.len(),
            capacity: keys.buffer.capacity,
        };
        match (&keys.buffer.elements, &values.buffer.elements) {
            (Elements::F32(keys), Elements::F32(values)) => {
                attention(self, shape, q.data(), (keys, values), y.data_mut());
            }
            (Elements::F16(keys), Elements::F16(values)) => {
                attention(self, shape, q.data(), (keys, values), y.data_mut());
            }
            _ => panic!("keys and values are cached in different types"),
        }
        y
    }
}
