//! Causal grouped-query attention over a cache of keys and values: its definition, and the arithmetic of a chunk.
//!
//! The positions of a cache are cut into chunks of `CHUNK`. Each chunk has a softmax of its own, and the chunks that
//! a query sees are combined in their order. The cut depends on nothing else, so a query's result has the same bits
//! alone, in a prompt, and on any number of threads: the chunks of one token are shared among threads, the queries of a
//! prompt are cut into blocks that go through all chunks.
//!
//! Not here: how a cache lies in memory (`page`, `layout`), the products of queries, keys, weights and values
//! (`product`), and the tasks that threads share (`tasks`).

pub(crate) mod int8;
pub(crate) mod layout;
pub(crate) mod page;
pub mod pages;
pub(crate) mod product;
mod tasks;
#[cfg(test)]
mod tests;

use crate::elementwise::exp::exp2;
use crate::elementwise::softmax::exponentials;
use crate::machine::Machine;
use crate::machine::scratch::scratch;
use crate::simd::Isa;
use crate::simd::floats::{self, FloatKernel, Floats, LANES};
use alloc::vec::Vec;
use core::ops::Range;
use product::HeadCache;
use tasks::{Tokens, share_chunks, share_queries};
use trine_memory::product_of;

/// Positions whose scores are put into one softmax: a multiple of all blocks of [`layout`].
pub(crate) const CHUNK: usize = 256;
/// Queries that go through the cache together: their scores of one chunk stay in the L2 cache.
const ROWS: usize = 96;

/// What one sequence brings to attention: positions before, and tokens now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Positions of earlier steps.
    pub past: usize,
    /// Tokens of this step.
    pub tokens: usize,
}

impl Span {
    /// The positions of the tokens.
    pub fn positions(self) -> Range<usize> {
        self.past..self.past + self.tokens
    }
}

/// Sizes of one attention.
///
/// Queries and outputs are `[token][kv_heads * group][head_dim]`, the tokens of the first sequence first. Of each
/// sequence the positions up to the last of its tokens are in the cache.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape<'a> {
    /// What each sequence brings.
    pub spans: &'a [Span],
    /// Key/value heads.
    pub kv_heads: usize,
    /// Query heads for each key/value head.
    pub group: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Positions that a query sees at most, its own and those before it; at least 1.
    pub window: usize,
}

/// Queries that share keys and values: those of the heads of a group, at some consecutive positions.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// `[position][head of the group][head_dim]`, times `log2(e) / sqrt(head_dim)` rounded to f32.
    pub(crate) queries: &'a [f32],
    pub(crate) head_dim: usize,
    pub(crate) group: usize,
    /// Cached positions that the queries of the first position see; those of the next see one more.
    pub(crate) visible: usize,
    /// Positions that a query sees at most: the last of those.
    pub(crate) window: usize,
}

impl Rows<'_> {
    pub(crate) fn len(&self) -> usize {
        self.queries.len() / self.head_dim
    }

    /// How many of the positions `range` the query `row` sees.
    #[inline(always)]
    pub(crate) fn sees(&self, row: usize, range: Range<usize>) -> usize {
        (self.visible + row / self.group).clamp(range.start, range.end) - range.start
    }

    /// How many of the positions `range` are behind the window of the query `row`, before those that it sees.
    #[inline(always)]
    fn hides(&self, row: usize, range: Range<usize>) -> usize {
        (self.visible + row / self.group).saturating_sub(self.window).clamp(range.start, range.end) - range.start
    }

    /// The first query at or behind `position`.
    pub(crate) fn first_that_sees(&self, position: usize) -> usize {
        (position + 1).saturating_sub(self.visible) * self.group
    }

    /// Chunks that at least one query sees.
    fn chunks(&self) -> usize {
        (self.visible + (self.len() - 1) / self.group).div_ceil(CHUNK)
    }
}

/// Which keys and values: a chunk of a key/value head of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) sequence: usize,
    pub(crate) chunk: usize,
    pub(crate) head: usize,
}

/// `y = softmax(q . k^T / sqrt(head_dim)) . v` for every query head, over the last `window` positions up to the query's
/// own.
///
/// `heads` gives the keys and values of one chunk of one key/value head of a sequence. In f32, for one query `q` and a
/// chunk of positions `t`, each product of `s` and `o` and its sum rounded once:
///
/// ```text
/// s[t] = sum_d (q[d] * scale) * k[t][d]         for ascending d, with scale = log2(e) / sqrt(head_dim) rounded
/// m = max_t s[t],  e[t] = 2^(s[t] - m),  l = sum_t e[t] in sixteen lanes,  o = sum_t e[t] * v[t] for ascending t
/// ```
///
/// Chunks `a` and `b` combine to `M = max(m_a, m_b)`, `l = l_a 2^(m_a - M) + l_b 2^(m_b - M)`, and `o` likewise; the
/// result is `o / l`. Where a position is behind the window, `e[t]` is 0 and `s[t]` does not count for `m`. A
/// [`HeadCache`] may define `s` and `o` otherwise. The largest score of a chunk must be finite, else the result is NaN.
///
/// Source: Milakov and Gimelshein 2018 (arXiv 1805.02867), section 3, for the combination.
///
/// # Panics
/// If the lengths of queries and outputs are not those of `shape`.
pub(crate) fn attention<C: HeadCache>(
    cpu: &Machine,
    shape: AttentionShape<'_>,
    queries: &[f32],
    heads: impl Fn(Place) -> C + Send + Sync,
    outputs: &mut [f32],
) {
    let AttentionShape { spans, kv_heads, group, head_dim, window: _ } = shape;
    let tokens: usize = spans.iter().map(|span| span.tokens).sum();
    let elements = product_of(&[tokens, kv_heads, group, head_dim]);
    assert!(queries.len() == elements && outputs.len() == elements, "sizes of queries and outputs");
    if elements == 0 {
        return;
    }
    let block = (ROWS / group).max(1);
    let (mut few, mut many): (Vec<Tokens>, Vec<Tokens>) =
        shape.sequences().filter(|tokens| tokens.span.tokens > 0).partition(|tokens| tokens.span.tokens <= block);
    let blocks: usize = many.iter().map(|tokens| tokens.span.tokens.div_ceil(block)).sum();
    if kv_heads * blocks < 4 * cpu.threads() {
        few.append(&mut many);
    }
    if !few.is_empty() {
        share_chunks(cpu, shape, &few, queries, &heads, outputs);
    }
    if !many.is_empty() {
        share_queries(cpu, shape, &many, block, queries, &heads, outputs);
    }
}

/// What a query got from some chunks: the weighted values, the largest score, and the sum of the weights.
pub(crate) struct Partial<'a> {
    /// `head_dim` elements, then zeros up to a multiple of sixteen.
    values: &'a mut [f32],
    max: &'a mut f32,
    sum: &'a mut f32,
}

impl Partial<'_> {
    /// Numbers of a partial result in memory.
    pub(crate) fn len(head_dim: usize) -> usize {
        head_dim.next_multiple_of(LANES) + 2
    }

    fn of(numbers: &mut [f32]) -> Partial<'_> {
        let (values, [max, sum]) = numbers.split_last_chunk_mut().expect("a partial result ends with two numbers");
        Partial { values, max, sum }
    }

    /// The result of no position: it adds nothing to others.
    #[inline(always)]
    fn set_to_nothing(&mut self) {
        (*self.max, *self.sum) = (f32::MIN, 0.0);
        self.values.fill(0.0);
    }

    /// Adds the result of the next chunk.
    #[inline(always)]
    fn combine<S: Floats>(&mut self, floats: S, next: &Partial<'_>) {
        let max = if *next.max > *self.max { *next.max } else { *self.max };
        let mut factors = [0.0; LANES];
        (factors[0], factors[1]) = (*self.max - max, *next.max - max);
        floats.store(exp2(floats, floats.load(&factors)), &mut factors);
        *self.max = max;
        *self.sum = *self.sum * factors[0] + *next.sum * factors[1];
        let (old, new) = (floats.splat(factors[0]), floats.splat(factors[1]));
        for (sum, value) in self.values.as_chunks_mut().0.iter_mut().zip(next.values.as_chunks().0) {
            let both = floats.add(floats.mul(floats.load(sum), old), floats.mul(floats.load(value), new));
            floats.store(both, sum);
        }
    }
}

/// The partial results of some queries for one chunk.
struct AttendChunk<'a, C: HeadCache> {
    rows: &'a Rows<'a>,
    cache: C,
    chunk: usize,
    work: &'a mut Work<C>,
    partials: &'a mut [f32],
}

impl<C: HeadCache> FloatKernel for AttendChunk<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let AttendChunk { rows, cache, chunk, work, partials } = self;
        attend_chunk(floats, rows, &cache, chunk, work, partials);
    }
}

scratch! {
    /// The memory of [`Work::scores`], which the next attention of the thread uses again.
    static SCORES: Vec<f32>;
}

/// What the chunks of some queries share.
struct Work<C: HeadCache> {
    /// [`CHUNK`] numbers for each query.
    scores: Vec<f32>,
    scratch: C::Scratch,
}

impl<C: HeadCache> Work<C> {
    fn new(isa: Isa, rows: &Rows<'_>) -> Self {
        let (mut scores, mut scratch) = (SCORES.take(), C::take_scratch());
        scores.resize(rows.len() * CHUNK, 0.0);
        floats::run(isa, Prepare::<C> { rows, scratch: &mut scratch });
        Work { scores, scratch }
    }

    /// Keeps the memory, unless it is for more queries than usual.
    fn keep(self) {
        if self.scores.len() <= ROWS * CHUNK {
            SCORES.set(self.scores);
        }
        C::keep_scratch(self.scratch);
    }
}

/// Brings queries into the form in which they meet keys.
struct Prepare<'a, C: HeadCache> {
    rows: &'a Rows<'a>,
    scratch: &'a mut C::Scratch,
}

impl<C: HeadCache> FloatKernel for Prepare<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        C::prepare(floats, self.rows, self.scratch);
    }
}

/// Scores of a chunk, their exponentials, and the values weighted by them. Queries that do not see the chunk are left
/// as they are.
#[inline(always)]
fn attend_chunk<S: Floats, C: HeadCache>(
    floats: S,
    rows: &Rows<'_>,
    cache: &C,
    chunk: usize,
    work: &mut Work<C>,
    partials: &mut [f32],
) {
    let Work { scores, scratch } = work;
    let start = chunk * CHUNK;
    let positions = start..start + rows.sees(rows.len() - 1, start..start + CHUNK);
    let length = Partial::len(rows.head_dim);
    // Of all queries the first sees farthest back.
    if !positions.is_empty() && rows.hides(0, positions.clone()) == positions.len() {
        partials.chunks_exact_mut(length).for_each(|partial| Partial::of(partial).set_to_nothing());
        return;
    }
    cache.scores(floats, rows, positions.clone(), scores, scratch);
    let first = rows.first_that_sees(start);
    let of_rows = scores.chunks_exact_mut(CHUNK).zip(partials.chunks_exact_mut(length));
    for (row, (scores, partial)) in of_rows.enumerate().skip(first) {
        let mut partial = Partial::of(partial);
        let (seen, hidden) = (rows.sees(row, positions.clone()), rows.hides(row, positions.clone()));
        let scores = &mut scores[..seen.next_multiple_of(LANES)];
        if hidden >= seen {
            scores.fill(0.0);
            partial.set_to_nothing();
            continue;
        }
        scores[..hidden].fill(f32::NEG_INFINITY);
        scores[seen..].fill(f32::NEG_INFINITY);
        (*partial.max, *partial.sum) = exponentials(floats, scores);
        partial.values.fill(0.0);
    }
    cache.add_weighted(floats, rows, positions, scores, scratch, partials);
}

/// The combination of the chunks of some queries, divided by the sum of the weights.
struct Combine<'a> {
    rows: Rows<'a>,
    /// Partial results of chunk 0; receives the result.
    first: &'a mut [f32],
    /// Those of the other chunks.
    others: &'a mut [f32],
}

impl FloatKernel for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let length = Partial::len(self.rows.head_dim);
        let chunk = self.first.len();
        for (row, state) in self.first.chunks_exact_mut(length).enumerate() {
            let mut state = Partial::of(state);
            for (index, chunk) in self.others.chunks_exact_mut(chunk).enumerate() {
                if row >= self.rows.first_that_sees((index + 1) * CHUNK) {
                    state.combine(floats, &Partial::of(&mut chunk[row * length..][..length]));
                }
            }
            let sum = *state.sum;
            state.values.iter_mut().for_each(|value| *value /= sum);
        }
    }
}

/// Adds the partial results of some queries for a chunk to those of the chunks before.
struct AddChunk<'a> {
    /// Numbers of a partial result.
    length: usize,
    states: &'a mut [f32],
    next: &'a mut [f32],
}

impl FloatKernel for AddChunk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Floats>(self, floats: S) {
        let pairs = self.states.chunks_exact_mut(self.length).zip(self.next.chunks_exact_mut(self.length));
        for (state, next) in pairs {
            Partial::of(state).combine(floats, &Partial::of(next));
        }
    }
}

/// The results of some queries for one chunk.
fn one_chunk<C: HeadCache>(isa: Isa, rows: &Rows<'_>, cache: C, chunk: usize, partials: &mut [f32]) {
    let mut work = Work::new(isa, rows);
    floats::run(isa, AttendChunk { rows, cache, chunk, work: &mut work, partials });
    work.keep();
}

/// The results of some queries, chunk after chunk. `cache` gives the keys and values of a chunk; `outputs` are, for
/// each position, those of the heads of the group.
fn all_chunks<C: HeadCache>(isa: Isa, rows: &Rows<'_>, cache: impl Fn(usize) -> C, outputs: &mut [&mut [f32]]) {
    let length = Partial::len(rows.head_dim);
    let mut work = Work::new(isa, rows);
    let mut states = vec![0.0; rows.len() * length];
    let mut next = vec![0.0; rows.len() * length];
    for chunk in 0..rows.chunks() {
        let partials = if chunk == 0 { &mut states } else { &mut next };
        floats::run(isa, AttendChunk { rows, cache: cache(chunk), chunk, work: &mut work, partials });
        if chunk > 0 {
            let seen = rows.first_that_sees(chunk * CHUNK) * length;
            floats::run(isa, AddChunk { length, states: &mut states[seen..], next: &mut next[seen..] });
        }
    }
    work.keep();
    let outputs = outputs.iter_mut().flat_map(|outputs| outputs.chunks_exact_mut(rows.head_dim));
    for (state, output) in states.chunks_exact_mut(length).zip(outputs) {
        let state = Partial::of(state);
        for (output, value) in output.iter_mut().zip(state.values) {
            *output = *value / *state.sum;
        }
    }
}
