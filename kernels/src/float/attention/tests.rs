//! Attention on every instruction set and number of threads against the plain loops, bit for bit, and against f64.

use super::int8::{Int8Head, Int8Layout};
use super::layout::{Layout, Side};
use super::product::{CacheElement, FloatHead};
use super::{AttentionShape, attention};
use crate::float::tests::{assert_same_bits, numbers, relative_error};
use crate::quantize::INT16_FLOOR;
use crate::{Cpu, CpuOptions, Isa, reference};
use std::num::NonZeroUsize;

/// Few queries: chunks are shared. Five chunks, the last of which some queries do not see.
const STEP: AttentionShape = AttentionShape { batch: 2, positions: 7, past: 1019, kv_heads: 3, group: 2, head_dim: 20 };
/// Many queries: blocks of them are shared, and one of them sees a chunk in part. Tiles have every number of rows.
const PROMPT: AttentionShape =
    AttentionShape { batch: 2, positions: 131, past: 230, kv_heads: 1, group: 3, head_dim: 34 };

fn cpus() -> impl Iterator<Item = Cpu> {
    let options = |isa, threads| CpuOptions { isa: Some(isa), threads: NonZeroUsize::new(threads) };
    Isa::available().into_iter().flat_map(move |isa| [1, 3, 8].map(|t| Cpu::new(options(isa, t)).unwrap()))
}

/// Queries; and keys and values, `[batch][position][kv_head][head_dim]`.
fn inputs(shape: AttentionShape) -> (Vec<f32>, [Vec<f32>; 2]) {
    let cached = shape.batch * (shape.past + shape.positions) * shape.kv_heads * shape.head_dim;
    let queries = shape.batch * shape.positions * shape.kv_heads * shape.group * shape.head_dim;
    (numbers(14, queries), [12, 13].map(|seed| numbers(seed, cached)))
}

/// A cache with room to spare, which holds `rows` and NaN everywhere else.
fn cache<E: CacheElement>(shape: AttentionShape, side: Side, rows: &[f32]) -> (Layout, Vec<E>) {
    let layout = Layout::new(side, shape.past + shape.positions + 5, shape.head_dim).unwrap();
    let mut nan = [E::default()];
    E::narrow(&[f32::NAN], &mut nan);
    let mut elements = vec![nan[0]; layout.elements(shape.batch * shape.kv_heads).unwrap()];
    layout.write(&mut elements, rows, shape.kv_heads, 0, shape.past + shape.positions);
    (layout, elements)
}

fn run<E: CacheElement>(cpu: &Cpu, shape: AttentionShape, queries: &[f32], rows: &[Vec<f32>; 2]) -> Vec<f32> {
    let (of_keys, keys) = cache::<E>(shape, Side::Keys, &rows[0]);
    let (of_values, values) = cache::<E>(shape, Side::Values, &rows[1]);
    let head = |index| FloatHead { keys: of_keys.head(&keys, index), values: of_values.head(&values, index) };
    let mut outputs = vec![f32::NAN; queries.len()];
    attention(cpu, shape, queries, head, &mut outputs);
    outputs
}

/// The rows of one key/value head of one sequence up to `end`.
fn rows_of(shape: AttentionShape, rows: &[f32], sequence: usize, head: usize, end: usize) -> Vec<f32> {
    let of_position = |position: usize| {
        let row = (sequence * (shape.past + shape.positions) + position) * shape.kv_heads + head;
        rows[row * shape.head_dim..][..shape.head_dim].iter().copied()
    };
    (0..end).flat_map(of_position).collect()
}

/// As [`run`], with a cache of bytes; codes and scales are those of NaN and 127 where nothing is written.
fn run_int8(cpu: &Cpu, shape: AttentionShape, queries: &[f32], rows: &[Vec<f32>; 2]) -> Vec<f32> {
    let (kv_heads, filled) = (shape.kv_heads, shape.past + shape.positions);
    let cache = |side, rows| {
        let layout = Int8Layout::new(side, filled + 5, shape.head_dim).unwrap();
        let (codes, scales) = layout.lengths(shape.batch * kv_heads).unwrap();
        let (mut codes, mut scales) = (vec![127; codes], vec![f32::NAN; scales]);
        layout.write((&mut codes, &mut scales), rows, kv_heads, 0, filled);
        (layout, codes, scales)
    };
    let (of_keys, k, k_scales) = cache(Side::Keys, &rows[0]);
    let (of_values, v, v_scales) = cache(Side::Values, &rows[1]);
    let head =
        |index| Int8Head { keys: of_keys.head((&k, &k_scales), index), values: of_values.head((&v, &v_scales), index) };
    let mut outputs = vec![f32::NAN; queries.len()];
    attention(cpu, shape, queries, head, &mut outputs);
    outputs
}

/// Results for a shape, queries and rows.
type Run = fn(&Cpu, AttentionShape, &[f32], &[Vec<f32>; 2]) -> Vec<f32>;
/// The result of one query over the keys and values that it sees.
type Attend = fn(&[f32], &[f32], &[f32]) -> Vec<f32>;

fn attention_matches(shape: AttentionShape, run: Run, attend: Attend, round: fn(f32) -> f32) {
    let AttentionShape { positions, past, kv_heads, group, head_dim, .. } = shape;
    let (queries, rows) = inputs(shape);
    let rounded = rows.clone().map(|rows| rows.into_iter().map(round).collect::<Vec<f32>>());
    let mut expected = Vec::new();
    for (row, query) in queries.chunks_exact(head_dim).enumerate() {
        let (token, head) = (row / (kv_heads * group), row % (kv_heads * group));
        let seen = |rows| rows_of(shape, rows, token / positions, head / group, past + token % positions + 1);
        expected.extend(attend(query, &seen(&rounded[0]), &seen(&rounded[1])));
    }
    for cpu in cpus() {
        let found = run(&cpu, shape, &queries, &rows);
        assert_same_bits(&found, &expected, format_args!("{} with {} threads", cpu.isa(), cpu.threads()));
    }
}

#[test]
fn attention_over_f32_on_every_isa_and_thread_count() {
    for shape in [STEP, PROMPT] {
        attention_matches(shape, run::<f32>, reference::float::attend, |value| value);
    }
}

#[test]
fn attention_over_f16_on_every_isa_and_thread_count() {
    for shape in [STEP, PROMPT] {
        let round = |value| half::f16::from_f32(value).to_f32();
        attention_matches(shape, run::<[u8; 2]>, reference::float::attend, round);
    }
}

#[test]
fn attention_over_int8_on_every_isa_and_thread_count() {
    for shape in [STEP, PROMPT] {
        attention_matches(shape, run_int8, reference::attention::attend_int8, |value| value);
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
        let expected = run_int8(&cpus().next().expect("plain code"), STEP, &queries, &rows);
        assert!(expected.iter().all(|output| output.abs() <= of_rows));
        assert_eq!(expected.iter().all(|output| *output == 0.0), of_rows < INT16_FLOOR);
        for cpu in cpus() {
            let found = run_int8(&cpu, STEP, &queries, &rows);
            assert_same_bits(&found, &expected, format_args!("{} with {} threads", cpu.isa(), cpu.threads()));
        }
    }
}

/// What is not a number must not pass for a zero, also where it is stored in integers, and does not stay in memory that
/// threads keep. Some queries do not see the last chunk.
#[test]
fn nan_reaches_the_output_of_every_cache() {
    let shape = AttentionShape { batch: 1, positions: 3, past: 254, kv_heads: 1, group: 2, head_dim: 20 };
    let cpus: Vec<Cpu> = cpus().collect();
    for (cpu, run) in cpus.iter().flat_map(|cpu| [run::<f32> as Run, run::<[u8; 2]>, run_int8].map(|run| (cpu, run))) {
        let (queries, rows) = inputs(shape);
        let expected = run(cpu, shape, &queries, &rows);
        assert!(expected.iter().all(|output| output.is_finite()));
        for side in [0, 1] {
            let mut poisoned = rows.clone();
            poisoned[side][250 * 20 + 3] = f32::NAN;
            let outputs = run(cpu, shape, &queries, &poisoned);
            assert!(outputs[3].is_nan() && outputs[23].is_nan(), "side {side}");
        }
        let poisoned: Vec<f32> = queries.iter().enumerate().map(|(i, q)| if i == 4 { f32::NAN } else { *q }).collect();
        let outputs = run(cpu, shape, &poisoned, &rows);
        assert!(outputs[..20].iter().all(|output| output.is_nan()) && outputs[20..].iter().all(|o| o.is_finite()));
        assert_same_bits(&run(cpu, shape, &queries, &rows), &expected, format_args!("{} after NaN", cpu.isa()));
    }
}

#[test]
fn a_prompt_attends_as_its_single_steps() {
    let (queries, rows) = inputs(PROMPT);
    let cpu = Cpu::new(CpuOptions::default()).unwrap();
    let (token, sequence) = (queries.len() / PROMPT.batch / PROMPT.positions, queries.len() / PROMPT.batch);
    let width = PROMPT.kv_heads * PROMPT.head_dim;
    for run in [run::<f32> as Run, run_int8] {
        let prompt = run(&cpu, PROMPT, &queries, &rows);
        for position in [0, 1, 25, 26, 77, 130] {
            let step = AttentionShape { positions: 1, past: PROMPT.past + position, ..PROMPT };
            let of_step = |all: &[f32]| -> Vec<f32> {
                all.chunks_exact(sequence).flat_map(|all| all[position * token..][..token].to_vec()).collect()
            };
            let seen = |rows: &Vec<f32>| -> Vec<f32> {
                let sequences = rows.chunks_exact(rows.len() / PROMPT.batch);
                sequences.flat_map(|rows| rows[..(step.past + 1) * width].to_vec()).collect()
            };
            let outputs = run(&cpu, step, &of_step(&queries), &[seen(&rows[0]), seen(&rows[1])]);
            assert_same_bits(&outputs, &of_step(&prompt), format_args!("position {position}"));
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
