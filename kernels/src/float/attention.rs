//! Causal grouped-query attention over a cache of keys and values.

use super::dot::{add_weighted_rows, dot_rows};
use super::half_precision;
use super::softmax::softmax;
use crate::arch::floats::{self, FloatKernel, Floats};
use crate::cpu::Cpu;

/// Sizes of one attention.
///
/// Queries and outputs are `[batch][positions][kv_heads * group][head_dim]`; keys and values are
/// `[batch][kv_heads][capacity][head_dim]`, of which the first `past + positions` positions are filled.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
    /// Sequences.
    pub batch: usize,
    /// Query positions of each sequence.
    pub positions: usize,
    /// Positions of the cache before them.
    pub past: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Query heads for each key/value head.
    pub group: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Positions that the cache can hold.
    pub capacity: usize,
}

/// Storage of one element of the cache: `f32`, or the two bytes of a little-endian half.
pub(crate) trait CacheElement: Copy + Default + Send + Sync {
    /// The values of `from`, converted in `scratch` (of the same length) where they are not `f32` already.
    fn widen<'a, S: Floats>(floats: S, from: &'a [Self], scratch: &'a mut [f32]) -> &'a [f32];

    /// Rounds `from` to the storage.
    fn narrow(from: &[f32], to: &mut [Self]);
}

impl CacheElement for f32 {
    #[inline(always)]
    fn widen<'a, S: Floats>(_: S, from: &'a [f32], _: &'a mut [f32]) -> &'a [f32] {
        from
    }

    fn narrow(from: &[f32], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
}

impl CacheElement for [u8; 2] {
    #[inline(always)]
    fn widen<'a, S: Floats>(floats: S, from: &'a [[u8; 2]], scratch: &'a mut [f32]) -> &'a [f32] {
        let scratch = &mut scratch[..from.len()];
        half_precision::widen(floats, from.as_flattened(), scratch);
        scratch
    }

    fn narrow(from: &[f32], to: &mut [[u8; 2]]) {
        half_precision::narrow(from, to);
    }
}

/// Query positions whose heads share one pass over the keys and values.
const POSITIONS: usize = 8;
/// Cached positions that are widened together.
const BLOCK: usize = 32;

/// `y = softmax(q . k^T / sqrt(head_dim)) . v` for every query head, in f32, over the positions up to the query's own.
///
/// For one query: the scores are dot products in the order of [`super::dot::accumulate`], times `1 / sqrt(head_dim)`
/// rounded to f32; then [`softmax`]; then the values, weighted and summed in order of position. A
/// query's result depends on nothing else, so it has the same bits alone, in a prompt, and on any number of threads.
///
/// # Panics
/// If the lengths are not those of `shape`.
pub(crate) fn attention<E: CacheElement>(
    cpu: &Cpu,
    shape: AttentionShape,
    queries: &[f32],
    (keys, values): (&[E], &[E]),
    outputs: &mut [f32],
) {
    let AttentionShape { batch, positions, past, kv_heads, group, head_dim, capacity } = shape;
    let cached = batch * kv_heads * capacity * head_dim;
    assert!(keys.len() == cached && values.len() == cached && past + positions <= capacity, "sizes of the cache");
    let elements = batch * positions * kv_heads * group * head_dim;
    assert!(queries.len() == elements && outputs.len() == elements, "sizes of queries and outputs");
    let scale = (1.0 / (head_dim as f64).sqrt()) as f32;

    // One task takes the queries of some positions and of a whole group, or of one head where tasks would be few.
    let blocks = positions.div_ceil(POSITIONS);
    let heads_per_task = if batch * kv_heads * blocks < 2 * cpu.threads() { 1 } else { group };
    let per_kv_head = blocks * (group / heads_per_task);
    let mut tasks: Vec<Vec<Query>> = Vec::new();
    tasks.resize_with(batch * kv_heads * per_kv_head, Vec::new);
    let rows = queries.chunks_exact(head_dim).zip(outputs.chunks_exact_mut(head_dim));
    for (row, (query, output)) in rows.enumerate() {
        let (token, head) = (row / (kv_heads * group), row % (kv_heads * group));
        let (sequence, position) = (token / positions, token % positions);
        let cache = sequence * kv_heads + head / group;
        let task = (cache * blocks + position / POSITIONS) * (group / heads_per_task) + head % group / heads_per_task;
        tasks[task].push(Query { query, output, visible: past + position + 1 });
    }
    cpu.for_each(&mut tasks, |task, queries| {
        let cache = task / per_kv_head * capacity * head_dim..(task / per_kv_head + 1) * capacity * head_dim;
        let (keys, values) = (&keys[cache.clone()], &values[cache]);
        floats::run(cpu.isa(), Attend { queries, keys, values, scale });
    });
}

/// One query of one head.
struct Query<'a> {
    query: &'a [f32],
    output: &'a mut [f32],
    /// Number of positions that it sees.
    visible: usize,
}

/// Queries that see the same keys and values: `[position][head_dim]`.
struct Attend<'a, 'q, E> {
    queries: &'a mut [Query<'q>],
    keys: &'a [E],
    values: &'a [E],
    scale: f32,
}

impl<E: CacheElement> FloatKernel for Attend<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let Attend { queries, keys, values, scale } = self;
        let Some(first) = queries.first() else { return };
        let head_dim = first.query.len();
        let positions = queries.iter().map(|query| query.visible).max().unwrap_or(0);
        let mut scratch = vec![0.0; BLOCK * head_dim];
        let mut scores = vec![0.0; queries.len() * positions];

        for start in (0..positions).step_by(BLOCK) {
            let end = positions.min(start + BLOCK);
            let keys = E::widen(floats, &keys[start * head_dim..end * head_dim], &mut scratch);
            for (query, scores) in queries.iter().zip(scores.chunks_exact_mut(positions)) {
                let end = end.min(query.visible);
                if start < end {
                    dot_rows(floats, keys, query.query, &mut scores[start..end]);
                }
            }
        }
        for (query, scores) in queries.iter_mut().zip(scores.chunks_exact_mut(positions)) {
            let scores = &mut scores[..query.visible];
            scores.iter_mut().for_each(|score| *score *= scale);
            softmax(floats, scores);
            query.output.fill(0.0);
        }
        for start in (0..positions).step_by(BLOCK) {
            let end = positions.min(start + BLOCK);
            let values = E::widen(floats, &values[start * head_dim..end * head_dim], &mut scratch);
            for (query, weights) in queries.iter_mut().zip(scores.chunks_exact(positions)) {
                let end = end.min(query.visible);
                if start < end {
                    add_weighted_rows(floats, &weights[start..end], values, query.output);
                }
            }
        }
    }
}
