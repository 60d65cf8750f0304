//! Attention on every instruction set and number of threads against the plain loops, bit for bit, and against f64.

use super::layout::{Layout, Side};
use super::product::{CacheElement, FloatHead};
use super::{AttentionShape, attention};
use crate::float::tests::{assert_same_bits, numbers, relative_error};
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

fn attention_matches<E: CacheElement>(shape: AttentionShape, round: impl Fn(f32) -> f32) {
    let AttentionShape { positions, past, kv_heads, group, head_dim, .. } = shape;
    let (queries, rows) = inputs(shape);
    let rounded = rows.clone().map(|rows| rows.into_iter().map(&round).collect::<Vec<f32>>());
    let mut expected = Vec::new();
    for (row, query) in queries.chunks_exact(head_dim).enumerate() {
        let (token, head) = (row / (kv_heads * group), row % (kv_heads * group));
        let seen = |rows| rows_of(shape, rows, token / positions, head / group, past + token % positions + 1);
        expected.extend(reference::float::attend(query, &seen(&rounded[0]), &seen(&rounded[1])));
    }
    for cpu in cpus() {
        let found = run::<E>(&cpu, shape, &queries, &rows);
        assert_same_bits(&found, &expected, format_args!("{} with {} threads", cpu.isa(), cpu.threads()));
    }
}

#[test]
fn attention_over_f32_on_every_isa_and_thread_count() {
    attention_matches::<f32>(STEP, |value| value);
    attention_matches::<f32>(PROMPT, |value| value);
}

#[test]
fn attention_over_f16_on_every_isa_and_thread_count() {
    let round = |value| half::f16::from_f32(value).to_f32();
    attention_matches::<[u8; 2]>(STEP, round);
    attention_matches::<[u8; 2]>(PROMPT, round);
}

#[test]
fn a_prompt_attends_as_its_single_steps() {
    let (queries, rows) = inputs(PROMPT);
    let cpu = Cpu::new(CpuOptions::default()).unwrap();
    let prompt = run::<f32>(&cpu, PROMPT, &queries, &rows);
    let (token, sequence) = (queries.len() / PROMPT.batch / PROMPT.positions, queries.len() / PROMPT.batch);
    let width = PROMPT.kv_heads * PROMPT.head_dim;
    for position in [0, 1, 25, 26, 77, 130] {
        let step = AttentionShape { positions: 1, past: PROMPT.past + position, ..PROMPT };
        let of_step = |all: &[f32]| -> Vec<f32> {
            all.chunks_exact(sequence).flat_map(|all| all[position * token..][..token].to_vec()).collect()
        };
        let seen = |rows: &Vec<f32>| -> Vec<f32> {
            let sequences = rows.chunks_exact(rows.len() / PROMPT.batch);
            sequences.flat_map(|rows| rows[..(step.past + 1) * width].to_vec()).collect()
        };
        let outputs = run::<f32>(&cpu, step, &of_step(&queries), &[seen(&rows[0]), seen(&rows[1])]);
        assert_same_bits(&outputs, &of_step(&prompt), format_args!("position {position}"));
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
