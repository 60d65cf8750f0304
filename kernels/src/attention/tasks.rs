//! How the work of an attention is cut into tasks, and where their results go.
//!
//! Not here: what a task computes ([`attention`](super::attention)).

use super::product::HeadCache;
use super::{AttentionShape, CHUNK, Combine, Partial, Place, Rows, all_chunks, one_chunk};
use crate::attention::Span;
use crate::machine::Machine;
use crate::machine::scratch::scratch;
use crate::simd::floats;
use alloc::vec::Vec;
use trine_memory::product_of;

/// The tokens of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Tokens {
    sequence: usize,
    pub(super) span: Span,
    /// The number of its first token among all of the step.
    first: usize,
}

impl Tokens {
    /// Chunks of the positions that the tokens see.
    fn chunks(&self) -> usize {
        self.span.positions().end.div_ceil(CHUNK)
    }
}

scratch! {
    /// The memory of the partial results of all chunks, which the next attention of the thread uses again.
    static PARTIALS: Vec<f32>;
}

/// Numbers of partial results that are worth a thread: some ten microseconds of work.
const LEAST_PARTIALS: usize = 1 << 16;

/// One task for each chunk of each key/value head: few queries, and caches that may be long.
pub(super) fn share_chunks<C: HeadCache>(
    cpu: &Machine,
    shape: AttentionShape<'_>,
    sequences: &[Tokens],
    queries: &[f32],
    heads: &(impl Fn(Place) -> C + Send + Sync),
    outputs: &mut [f32],
) {
    let AttentionShape { kv_heads, group, head_dim, window, .. } = shape;
    let partial = Partial::len(head_dim);
    let rows_of = |tokens: &Tokens| tokens.span.tokens * group;
    let scaled: Vec<Vec<f32>> = sequences.iter().map(|tokens| scaled_queries(shape, tokens, queries)).collect();
    let rows = |index: usize, head: usize| {
        let length = rows_of(&sequences[index]) * head_dim;
        let queries = &scaled[index][head * length..][..length];
        Rows { queries, head_dim, group, visible: sequences[index].span.past + 1, window }
    };
    let size = |tokens: &Tokens| product_of(&[kv_heads, tokens.chunks(), rows_of(tokens), partial]);
    let mut partials = PARTIALS.take();
    partials.resize(sequences.iter().map(size).sum(), 0.0);
    // Partial results lie as they are combined, head after head; tasks go through memory as the cache does, page after
    // page, and each asks for what the next one reads.
    let mut tasks: Vec<(usize, Place, &mut [f32])> = Vec::new();
    let mut rest = &mut partials[..];
    for (index, tokens) in sequences.iter().enumerate() {
        let (own, others) = rest.split_at_mut(size(tokens));
        rest = others;
        for (task, partials) in own.chunks_exact_mut(rows_of(tokens) * partial).enumerate() {
            let (head, chunk) = (task / tokens.chunks(), task % tokens.chunks());
            tasks.push((index, Place { sequence: tokens.sequence, chunk, head }, partials));
        }
    }
    tasks.sort_unstable_by_key(|(index, place, _)| (*index, place.chunk, place.head));
    let places: Vec<Place> = tasks.iter().map(|(_, place, _)| *place).collect();
    cpu.for_each(&mut tasks, |task, (index, place, partials)| {
        let next = places.get(task + 1).unwrap_or(place);
        let (rows, cache) = (rows(*index, place.head), heads(*place).followed_by(heads(*next)));
        one_chunk(cpu.isa(), &rows, cache, place.chunk, partials);
    });
    let mut combinations: Vec<(usize, usize, &mut [f32])> = Vec::new();
    let mut rest = &mut partials[..];
    for (index, tokens) in sequences.iter().enumerate() {
        let (own, others) = rest.split_at_mut(size(tokens));
        rest = others;
        let heads = own.chunks_exact_mut(tokens.chunks() * rows_of(tokens) * partial);
        combinations.extend(heads.enumerate().map(|(head, partials)| (index, head, partials)));
    }
    let largest = combinations.iter().map(|(_, _, partials)| partials.len()).max().unwrap_or(1);
    cpu.for_each_by(&mut combinations, LEAST_PARTIALS.div_ceil(largest), |_, (index, head, partials)| {
        let rows = rows(*index, *head);
        let (first, others) = partials.split_at_mut(rows.len() * partial);
        floats::run(cpu.isa(), Combine { rows, first, others });
    });
    for (index, head, partials) in combinations {
        let tokens = &sequences[index];
        for (row, partial) in partials.chunks_exact(partial).take(rows_of(tokens)).enumerate() {
            let output = shape.row(tokens.first + row / group, head) + row % group * head_dim;
            outputs[output..output + head_dim].copy_from_slice(&partial[..head_dim]);
        }
    }
    // Those of a part of a prompt are many, and it is over soon.
    if sequences.iter().all(|tokens| tokens.span.tokens == 1) {
        PARTIALS.set(partials);
    }
}

/// One task for each block of query positions of each key/value head: many queries.
pub(super) fn share_queries<C: HeadCache>(
    cpu: &Machine,
    shape: AttentionShape<'_>,
    sequences: &[Tokens],
    block: usize,
    queries: &[f32],
    heads: &(impl Fn(Place) -> C + Send + Sync),
    outputs: &mut [f32],
) {
    let AttentionShape { kv_heads, group, head_dim, window, .. } = shape;
    /// Queries from `position` of a sequence on, and where their results go.
    struct Task<'o> {
        tokens: Tokens,
        head: usize,
        position: usize,
        outputs: Vec<&'o mut [f32]>,
    }
    let mut tasks = Vec::new();
    let (mut rest, mut token) = (outputs, 0);
    for &tokens in sequences {
        let width = kv_heads * group * head_dim;
        let (_, from_here) = core::mem::take(&mut rest).split_at_mut((tokens.first - token) * width);
        let (own, others) = from_here.split_at_mut(tokens.span.tokens * width);
        (rest, token) = (others, tokens.first + tokens.span.tokens);
        let blocks = tokens.span.tokens.div_ceil(block);
        let start = tasks.len();
        let places = (0..kv_heads).flat_map(|head| (0..blocks).map(move |index| (head, index * block)));
        tasks.extend(places.map(|(head, position)| Task { tokens, head, position, outputs: Vec::new() }));
        for (index, output) in own.chunks_exact_mut(group * head_dim).enumerate() {
            let (position, head) = (index / kv_heads, index % kv_heads);
            tasks[start + head * blocks + position / block].outputs.push(output);
        }
    }
    cpu.for_each(&mut tasks, |_, Task { tokens, head, position, outputs }| {
        let mut scaled = vec![0.0; outputs.len() * group * head_dim];
        gather(shape, queries, tokens.first + *position, *head, &mut scaled);
        let visible = tokens.span.past + *position + 1;
        let rows = Rows { queries: &scaled, head_dim, group, visible, window };
        let last = tokens.chunks() - 1;
        let place = |chunk: usize| heads(Place { sequence: tokens.sequence, chunk: chunk.min(last), head: *head });
        let cache = |chunk| place(chunk).followed_by(place(chunk + 1));
        all_chunks(cpu.isa(), &rows, cache, outputs);
    });
}

impl AttentionShape<'_> {
    /// The tokens of each sequence.
    pub(super) fn sequences(&self) -> impl Iterator<Item = Tokens> {
        let mut first = 0;
        self.spans.iter().enumerate().map(move |(sequence, &span)| {
            let tokens = Tokens { sequence, span, first };
            first += span.tokens;
            tokens
        })
    }

    /// Where the group of queries of a key/value head of a token begins.
    fn row(&self, token: usize, head: usize) -> usize {
        (token * self.kv_heads + head) * self.group * self.head_dim
    }
}

/// The queries of a sequence, `[kv_head][token][head of the group][head_dim]`, times `log2(e) / sqrt(head_dim)`.
fn scaled_queries(shape: AttentionShape<'_>, tokens: &Tokens, queries: &[f32]) -> Vec<f32> {
    let length = product_of(&[tokens.span.tokens, shape.group, shape.head_dim]);
    let mut scaled = vec![0.0; shape.kv_heads * length];
    for (head, scaled) in scaled.chunks_exact_mut(length).enumerate() {
        gather(shape, queries, tokens.first, head, scaled);
    }
    scaled
}

/// Copies the queries of a key/value head from `token` on, times `log2(e) / sqrt(head_dim)`.
fn gather(shape: AttentionShape<'_>, queries: &[f32], token: usize, head: usize, scaled: &mut [f32]) {
    let scale = (core::f64::consts::LOG2_E / libm::sqrt(shape.head_dim as f64)) as f32;
    let width = shape.group * shape.head_dim;
    for (offset, scaled) in scaled.chunks_exact_mut(width).enumerate() {
        let queries = &queries[shape.row(token + offset, head)..][..width];
        scaled.iter_mut().zip(queries).for_each(|(scaled, query)| *scaled = query * scale);
    }
}
