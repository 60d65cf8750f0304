//! Attention on every instruction set and number of threads against the plain loops, bit for bit, and against f64.

use super::page::{CacheType, PAGE, PageLayout};
use super::{AttentionShape, Place, attention};
use crate::activations::INT16_FLOOR;
use crate::attention::Span;
use crate::elementwise::tests::{assert_same_bits, numbers, relative_error};
use crate::{CpuOptions, Isa, Machine, reference};
use std::num::NonZeroUsize;

const fn span(past: usize, tokens: usize) -> Span {
    Span { past, tokens }
}

/// Every position.
const ALL: usize = usize::MAX;
/// Few queries: chunks are shared. Five chunks, the last of which some queries do not see.
const STEP: AttentionShape<'static> =
    AttentionShape { spans: &[span(1019, 7); 2], kv_heads: 3, group: 2, head_dim: 20, window: ALL };
/// Many queries: blocks of them are shared, and one of them sees a chunk in part. Tiles have every number of rows.
const PROMPT: AttentionShape<'static> =
    AttentionShape { spans: &[span(230, 131); 2], kv_heads: 1, group: 3, head_dim: 34, window: ALL };
/// Sequences that have nothing in common, with few queries and with many, on both sides of the ends of chunks, and one
/// without tokens. There are enough blocks of many queries for every number of threads.
const RAGGED: AttentionShape<'static> = AttentionShape {
    spans: &[
        span(0, 1),
        span(255, 1),
        span(17, 260),
        span(256, 1),
        span(300, 0),
        span(254, 49),
        span(511, 3),
        span(0, 130),
        span(250, 12),
        span(600, 60),
        span(1023, 1),
        span(0, 48),
    ],
    kv_heads: 3,
    group: 2,
    head_dim: 18,
    window: ALL,
};
/// One token of each of some sequences, as when many users are served.
const TOKENS: AttentionShape<'static> = AttentionShape {
    spans: &[span(0, 1), span(255, 1), span(256, 1), span(700, 1), span(31, 1)],
    kv_heads: 2,
    group: 3,
    head_dim: 32,
    window: ALL,
};
const KINDS: [CacheType; 3] = [CacheType::F32, CacheType::F16, CacheType::Q8];
const SHAPES: [AttentionShape<'static>; 4] = [STEP, PROMPT, RAGGED, TOKENS];

fn cpus() -> impl Iterator<Item = Machine> {
    let options = |isa, threads| CpuOptions { isa: Some(isa), threads: NonZeroUsize::new(threads) };
    Isa::available().into_iter().flat_map(move |isa| [1, 3, 8].map(|t| Machine::new(options(isa, t)).unwrap()))
}

/// Queries; and keys and values, `[position][kv_head][head_dim]` of one sequence after the other.
fn inputs(shape: AttentionShape<'_>) -> (Vec<f32>, [Vec<f32>; 2]) {
    let tokens: usize = shape.spans.iter().map(|span| span.tokens).sum();
    let cached: usize = shape.spans.iter().map(|span| span.positions().end).sum();
    let row = shape.kv_heads * shape.head_dim;
    (numbers(14, tokens * shape.group * row), [12, 13].map(|seed| numbers(seed, cached * row)))
}

/// The layer of the pages that is read.
const LAYER: usize = 1;
/// As f32, as two halves: NaN. As bytes: 127 and -1.
const UNWRITTEN: u32 = 0x7fff_7fff;

/// The layout of a cache, and the pages of each sequence. They hold `rows` and [`UNWRITTEN`] everywhere else.
fn cache(kind: CacheType, shape: AttentionShape<'_>, rows: &[Vec<f32>; 2]) -> (PageLayout, Vec<Vec<Vec<f32>>>) {
    let layout = PageLayout::new(kind, LAYER + 2, shape.kv_heads, shape.head_dim).unwrap();
    let page = PAGE * shape.kv_heads * shape.head_dim;
    let mut first = 0;
    let sequences = shape.spans.iter().map(|span| {
        let all = first..first + span.positions().end * shape.kv_heads * shape.head_dim;
        first = all.end;
        let pages = rows[0][all.clone()].chunks(page).zip(rows[1][all].chunks(page));
        let pages = pages.map(|(keys, values)| {
            let mut page = vec![f32::from_bits(UNWRITTEN); layout.numbers()];
            layout.write(&mut page, LAYER, 0, keys, values);
            page
        });
        pages.collect()
    });
    let sequences = sequences.collect();
    (layout, sequences)
}

fn run(cpu: &Machine, kind: CacheType, shape: AttentionShape<'_>, queries: &[f32], rows: &[Vec<f32>; 2]) -> Vec<f32> {
    let (layout, sequences) = cache(kind, shape, rows);
    let page = |place: Place| &sequences[place.sequence][place.chunk][..];
    let mut outputs = vec![f32::NAN; queries.len()];
    match kind {
        CacheType::F32 => {
            let head = |place: Place| layout.float_head::<f32>(page(place), LAYER, place.head);
            attention(cpu, shape, queries, head, &mut outputs);
        }
        CacheType::F16 => {
            let head = |place: Place| layout.float_head::<[u8; 2]>(page(place), LAYER, place.head);
            attention(cpu, shape, queries, head, &mut outputs);
        }
        CacheType::Q8 => {
            let head = |place: Place| layout.int8_head(page(place), LAYER, place.head);
            attention(cpu, shape, queries, head, &mut outputs);
        }
    }
    outputs
}

/// The rows of one key/value head, of `[position][kv_head][head_dim]`.
fn rows_of(shape: AttentionShape<'_>, rows: &[f32], head: usize) -> Vec<f32> {
    let of_head = rows.chunks_exact(shape.head_dim).skip(head).step_by(shape.kv_heads);
    of_head.flatten().copied().collect()
}

/// The result of one query over the keys and values that it sees.
type Attend = fn(&[f32], &[f32], &[f32]) -> Vec<f32>;

/// The result of each query on its own.
fn expected(shape: AttentionShape<'_>, queries: &[f32], rows: &[Vec<f32>; 2], attend: Attend) -> Vec<f32> {
    let AttentionShape { spans, kv_heads, group, head_dim, window } = shape;
    let mut queries = queries.chunks_exact(head_dim);
    let mut first = 0;
    let mut outputs = Vec::new();
    for span in spans {
        let all = first..first + span.positions().end * kv_heads * head_dim;
        first = all.end;
        let of_head = |head| rows.each_ref().map(|rows| rows_of(shape, &rows[all.clone()], head));
        let heads: Vec<[Vec<f32>; 2]> = (0..kv_heads).map(of_head).collect();
        for position in span.positions() {
            for (head, query) in queries.by_ref().take(kv_heads * group).enumerate() {
                let [keys, values] = &heads[head / group];
                let seen = (position + 1).saturating_sub(window) * head_dim..(position + 1) * head_dim;
                outputs.extend(attend(query, &keys[seen.clone()], &values[seen]));
            }
        }
    }
    outputs
}

fn attention_matches(kind: CacheType, attend: Attend, round: fn(f32) -> f32) {
    for shape in SHAPES {
        let (queries, rows) = inputs(shape);
        let rounded = rows.clone().map(|rows| rows.into_iter().map(round).collect::<Vec<f32>>());
        let expected = expected(shape, &queries, &rounded, attend);
        for cpu in cpus() {
            let found = run(&cpu, kind, shape, &queries, &rows);
            assert_same_bits(&found, &expected, format_args!("{} with {} threads", cpu.isa(), cpu.threads()));
        }
    }
}

#[test]
fn attention_over_f32_on_every_isa_and_thread_count() {
    attention_matches(CacheType::F32, reference::float::attend, |value| value);
}

#[test]
fn attention_over_f16_on_every_isa_and_thread_count() {
    attention_matches(CacheType::F16, reference::float::attend, |value| half::f16::from_f32(value).to_f32());
}

#[test]
fn attention_over_int8_on_every_isa_and_thread_count() {
    attention_matches(CacheType::Q8, reference::attention::attend_int8, |value| value);
}

/// Heads so wide that sums of products of the largest numbers of 16 and 8 bits pass what an i32 holds, where all are
/// that large. The average of equal values is the value.
#[test]
fn attention_over_int8_of_wide_heads_overflows_nowhere() {
    for head_dim in [516, 517, 530, 1040] {
        let shape = AttentionShape { spans: &[span(20, 2)], kv_heads: 1, group: 2, head_dim, window: ALL };
        let queries = vec![3.0; 2 * 2 * head_dim];
        // Keys of later positions are smaller, so the scores, and with them the outputs, tell whether sums are right.
        let of_position = |at: fn(usize) -> f32| (0..22).flat_map(|position| vec![at(position); head_dim]).collect();
        let rows = [of_position(|position| 1e-2 - 1e-4 * position as f32), of_position(|position| position as f32)];
        let exact = expected(shape, &queries, &rows, reference::float::attend);
        let same = expected(shape, &queries, &rows, reference::attention::attend_int8);
        for cpu in cpus() {
            let found = run(&cpu, CacheType::Q8, shape, &queries, &rows);
            assert_same_bits(&found, &same, format_args!("{head_dim}, {}", cpu.isa()));
            let close = |(found, exact): (&f32, &f32)| (found - exact).abs() < 1e-2 * exact.abs();
            assert!(found.iter().zip(&exact).all(close), "{head_dim}: {} is not {}", found[0], exact[0]);
        }
    }
}

/// The bound that the documentation of the cache implies: scores are off by what keys are off by (and the query's 16
/// bits), outputs by that factor of the weights and by what values are off by.
#[test]
fn attention_over_int8_is_as_close_as_its_bytes() {
    let (n, head_dim) = (600, 48);
    let query: Vec<f32> = numbers(15, head_dim).iter().map(|x| x * 3.0).collect();
    let (keys, values) = (numbers(16, n * head_dim), numbers(17, n * head_dim));
    let exact = reference::float::attend(&query, &keys, &values);
    let found = reference::attention::attend_int8(&query, &keys, &values);
    let largest = |x: &[f32]| x.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    let magnitude: f32 = query.iter().map(|q| q.abs()).sum();
    let score = magnitude * largest(&keys) * (1.0 / 254.0 + 1.0 / 65534.0) / (head_dim as f32).sqrt();
    let bound = ((2.0 * score).exp() - 1.0) * largest(&values) + largest(&values) * (1.0 / 254.0 + 1.0 / 128.0);
    let off = exact.iter().zip(&found).map(|(exact, found)| (exact - found).abs()).fold(0.0, f32::max);
    assert!(off > 0.0 && off < bound, "{off} of at most {bound}");
    assert!(off < 0.01 * largest(&values), "{off}, which is usual, {}", largest(&values));
}

/// Steps are numbers however small what they step over.
#[test]
fn attention_over_int8_of_tiny_numbers() {
    let (queries, rows) = inputs(STEP);
    let scaled = |x: &[f32], scale: f32| -> Vec<f32> { x.iter().map(|x| x * scale).collect() };
    for (of_queries, of_rows) in [(1.0, 1e-33), (1e-36, 1.0), (1.0, 1e-26)] {
        let (queries, rows) = (scaled(&queries, of_queries), rows.each_ref().map(|rows| scaled(rows, of_rows)));
        let expected = run(&cpus().next().expect("plain code"), CacheType::Q8, STEP, &queries, &rows);
        assert!(expected.iter().all(|output| output.abs() <= of_rows));
        assert_eq!(expected.iter().all(|output| *output == 0.0), of_rows < INT16_FLOOR);
        for cpu in cpus() {
            let found = run(&cpu, CacheType::Q8, STEP, &queries, &rows);
            assert_same_bits(&found, &expected, format_args!("{} with {} threads", cpu.isa(), cpu.threads()));
        }
    }
}

/// What is not a number must not pass for a zero, also where it is stored in integers, and does not stay in memory that
/// threads keep. Some queries do not see the last chunk.
#[test]
fn nan_reaches_the_output_of_every_cache() {
    let shape = AttentionShape { spans: &[span(254, 3)], kv_heads: 1, group: 2, head_dim: 20, window: ALL };
    let cpus: Vec<Machine> = cpus().collect();
    for (cpu, kind) in cpus.iter().flat_map(|cpu| KINDS.map(|kind| (cpu, kind))) {
        let (queries, rows) = inputs(shape);
        let expected = run(cpu, kind, shape, &queries, &rows);
        assert!(expected.iter().all(|output| output.is_finite()));
        for side in [0, 1] {
            let mut poisoned = rows.clone();
            poisoned[side][250 * 20 + 3] = f32::NAN;
            let outputs = run(cpu, kind, shape, &queries, &poisoned);
            assert!(outputs[3].is_nan() && outputs[23].is_nan(), "side {side}");
        }
        let poisoned: Vec<f32> = queries.iter().enumerate().map(|(i, q)| if i == 4 { f32::NAN } else { *q }).collect();
        let outputs = run(cpu, kind, shape, &poisoned, &rows);
        assert!(outputs[..20].iter().all(|output| output.is_nan()) && outputs[20..].iter().all(|o| o.is_finite()));
        assert_same_bits(&run(cpu, kind, shape, &queries, &rows), &expected, format_args!("{} after NaN", cpu.isa()));
    }
}

#[test]
fn a_prompt_attends_as_its_single_steps() {
    for window in [ALL, 90, 300] {
        prompt_attends_as_its_single_steps(AttentionShape { window, ..PROMPT });
    }
}

fn prompt_attends_as_its_single_steps(shape: AttentionShape<'_>) {
    let (queries, rows) = inputs(shape);
    let cpu = Machine::new(CpuOptions::default()).unwrap();
    let (token, sequence) = (queries.len() / 2 / 131, queries.len() / 2);
    let width = shape.kv_heads * shape.head_dim;
    for kind in KINDS {
        let prompt = run(&cpu, kind, shape, &queries, &rows);
        for position in [0, 1, 25, 26, 77, 130] {
            let step = AttentionShape { spans: &[span(230 + position, 1); 2], ..shape };
            let of_step = |all: &[f32]| -> Vec<f32> {
                all.chunks_exact(sequence).flat_map(|all| all[position * token..][..token].to_vec()).collect()
            };
            let seen = |rows: &Vec<f32>| -> Vec<f32> {
                let sequences = rows.chunks_exact(rows.len() / 2);
                sequences.flat_map(|rows| rows[..(230 + position + 1) * width].to_vec()).collect()
            };
            let outputs = run(&cpu, kind, step, &of_step(&queries), &[seen(&rows[0]), seen(&rows[1])]);
            assert_same_bits(&outputs, &of_step(&prompt), format_args!("position {position}"));
        }
    }
}

/// Windows that end within a chunk, at its end, and behind several: chunks are cut at positions, so the definition,
/// which cuts what a query sees, is close and not equal. A window of all positions changes no bit.
#[test]
fn windows_hide_what_is_behind_them() {
    for (shape, window) in SHAPES.into_iter().flat_map(|shape| [1, 300].map(|window| (shape, window))) {
        let (queries, rows) = inputs(shape);
        let shape = AttentionShape { window, ..shape };
        let exact = expected(shape, &queries, &rows, reference::float::attend);
        for (kind, bound) in KINDS.into_iter().zip([1e-5, 1e-2, 5e-2]) {
            let first = run(&Machine::new(CpuOptions::default()).unwrap(), kind, shape, &queries, &rows);
            let off = first.iter().zip(&exact).map(|(found, exact)| (found - exact).abs()).fold(0.0, f32::max);
            assert!(off < bound, "{off} with a window of {window}");
            for cpu in cpus() {
                let found = run(&cpu, kind, shape, &queries, &rows);
                assert_same_bits(&found, &first, format_args!("{} with {} threads", cpu.isa(), cpu.threads()));
            }
        }
        let whole = AttentionShape { window: 2000, ..shape };
        let all = AttentionShape { window: ALL, ..shape };
        let cpu = Machine::new(CpuOptions::default()).unwrap();
        let [found, expected] = [whole, all].map(|shape| run(&cpu, CacheType::F32, shape, &queries, &rows));
        assert_same_bits(&found, &expected, "a window of everything");
    }
}

/// A step may have no tokens at all, and no sequences.
#[test]
fn nothing_attends_to_nothing() {
    for cpu in cpus() {
        for spans in [&[][..], &[span(300, 0); 2]] {
            let shape = AttentionShape { spans, ..RAGGED };
            assert!(KINDS.iter().all(|&kind| run(&cpu, kind, shape, &[], &inputs(shape).1).is_empty()));
        }
    }
}

#[test]
fn attention_is_accurate() {
    let (n, head_dim) = (1000, 64);
    let query: Vec<f32> = numbers(15, head_dim).iter().map(|x| x * 3.0).collect();
    let (keys, values) = (numbers(16, n * head_dim), numbers(17, n * head_dim));
    let dot = |key: &[f32]| query.iter().zip(key).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let powers: Vec<f64> = keys.chunks_exact(head_dim).map(|key| (dot(key) / (head_dim as f64).sqrt()).exp()).collect();
    let total: f64 = powers.iter().sum();
    let exact: Vec<f64> = (0..head_dim)
        .map(|d| powers.iter().zip(values.chunks_exact(head_dim)).map(|(p, v)| p / total * f64::from(v[d])).sum())
        .collect();
    assert!(relative_error(&reference::float::attend(&query, &keys, &values), &exact) < 1e-6);
}
