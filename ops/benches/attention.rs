//! Attention with the dimensions of BitNet b1.58 2B4T: one token after 4095 others, and a batch of a prompt at the mean
//! depth of a prompt of 4096 tokens.
//!
//! Throughput is bytes of keys and values for one token (the bound is memory bandwidth, so there are as many blocks as
//! the model has), and operations, two for each query, position and element, for a prompt (the bound is the peak of f32
//! multiplication and addition). Results are compared with the plain loops.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use trine_kernels::{CacheType, CpuOptions, PAGE, reference};
use trine_ops::{Cpu, KvPool, KvSequence, KvStep};
use trine_shapes::{
    AttentionLayers, Axis, Bitnet2B4T, Fixed, HeadDim, Heads, Idx, KvHeads, Rotated, Step, Tensor, Uniform, Value,
};

const CONTEXT: usize = 4096;
/// Tokens of a batch of a prompt, and those before them.
const BATCH: usize = 256;
const PAST: usize = 1920;

type Model = Bitnet2B4T;
type Queries<T> = Tensor<f32, (T, Heads<Model>, Rotated<HeadDim<Model>>)>;
type Keys<T> = Tensor<f32, (T, KvHeads<Model>, Rotated<HeadDim<Model>>)>;
type Values<T> = Tensor<f32, (T, KvHeads<Model>, Value<HeadDim<Model>>)>;
type Sequence = KvSequence<AttentionLayers<Model>, KvHeads<Model>, HeadDim<Model>>;
/// A step of one sequence.
type One<const PAST: usize, const TOKENS: usize> = Uniform<Fixed<1>, Fixed<PAST>, Fixed<TOKENS>>;

/// Numbers in -1..1 that look random.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(next).collect()
}

fn step<const PAST: usize, const TOKENS: usize>() -> One<PAST, TOKENS> {
    Uniform::assume(Fixed, Fixed, Fixed, "a benchmark without a model")
}

fn queries<T: Step>(step: T) -> Queries<T> {
    let (heads, head) = (Heads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    let numbers = numbers(1, step.len() * heads.len() * head.len());
    Tensor::assume((step, heads, Rotated::of(head)), numbers, "random")
}

/// The keys and values of the tokens of a step of one sequence, of what is stored of all:
/// `[position][kv_head][head_dim]`.
fn rows<T: Step>(step: T, stored: &[Vec<f32>; 2]) -> (Keys<T>, Values<T>) {
    let (heads, head) = (KvHeads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    let first = step.span(0).past * heads.len() * head.len();
    let rows = |of: &[f32]| of[first..first + step.len() * heads.len() * head.len()].to_vec();
    let keys = Tensor::assume((step, heads, Rotated::of(head)), rows(&stored[0]), "random");
    (keys, Tensor::assume((step, heads, Value::of(head)), rows(&stored[1]), "random"))
}

/// A sequence with the same rows in all blocks.
fn sequence(kind: CacheType, stored: &[Vec<f32>; 2]) -> Sequence {
    let (layers, heads, head) = (AttentionLayers::of(Bitnet2B4T), KvHeads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    // Those of a batch besides.
    let pages = (CONTEXT + BATCH).div_ceil(PAGE) + 1;
    let mut sequence = KvPool::new(layers, heads, head, pages, kind).expect("memory").sequence();
    let step = step::<0, CONTEXT>();
    let (keys, values) = rows(step, stored);
    let mut caches = KvStep::open(step, vec![&mut sequence]).expect("pages");
    for layer in Idx::all(layers) {
        caches.layer(layer).append(keys.view(), values.view());
    }
    caches.commit();
    sequence
}

/// Compares the heads of the first and the last query with the plain loops.
fn check<T: Step>(found: &[f32], queries: &Queries<T>, stored: &[Vec<f32>; 2], tolerance: f32) {
    let (step, heads, head) = queries.shape();
    let past = step.span(0).past;
    let (head, kv_heads) = (head.len(), KvHeads::of(Bitnet2B4T).len());
    let group = heads.len() / kv_heads;
    for position in [0, step.len() - 1] {
        for of_head in [0, heads.len() - 1] {
            let row = (position * heads.len() + of_head) * head;
            let seen = |rows: &[f32]| -> Vec<f32> {
                let of_position = |p: usize| rows[(p * kv_heads + of_head / group) * head..][..head].iter().copied();
                (0..=past + position).flat_map(of_position).collect()
            };
            let (keys, values) = (seen(&stored[0]), seen(&stored[1]));
            let expected = reference::float::attend(&queries.data()[row..row + head], &keys, &values);
            for (found, expected) in found[row..row + head].iter().zip(expected) {
                assert!((found - expected).abs() <= tolerance, "position {position}, head {of_head}");
            }
        }
    }
}

fn bench(criterion: &mut Criterion) {
    let (layers, heads, head) = (AttentionLayers::of(Bitnet2B4T), KvHeads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    let stored = [2, 3].map(|seed| numbers(seed, CONTEXT * heads.len() * head.len()));
    for (kind, bytes, tolerance) in [(CacheType::F32, 4, 1e-6), (CacheType::F16, 2, 1e-4), (CacheType::Q8, 1, 1e-2)] {
        let mut sequence = sequence(kind, &stored);
        for threads in [1, num_cpus::get_physical()] {
            let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).expect("threads");
            let name = format!("{kind:?}/{}", cpu.isa());

            let blocks = layers.len();
            let mut group = criterion.benchmark_group(format!("one token, {blocks} blocks/{name}"));
            group.throughput(Throughput::Bytes((blocks * 2 * CONTEXT * heads.len() * head.len() * bytes) as u64));
            let one = step::<{ CONTEXT - 1 }, 1>();
            let (q, (k, v)) = (queries(one), rows(one, &stored));
            sequence.rewind(CONTEXT - 1);
            let mut caches = KvStep::open(one, vec![&mut sequence]).expect("pages");
            group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
                let mut token = || {
                    let of_block = |layer| cpu.attention(q.view(), &caches.layer(layer).append(k.view(), v.view()));
                    Idx::all(layers).map(of_block).last().expect("blocks")
                };
                bencher.iter(|| black_box(token()));
                check(token().data(), &q, &stored, tolerance);
            });
            caches.commit();
            group.finish();

            let mut group = criterion.benchmark_group(format!("{BATCH} tokens after {PAST}/{name}"));
            let pairs = BATCH * PAST + BATCH * (BATCH + 1) / 2;
            group.throughput(Throughput::Elements((4 * pairs * Heads::of(Bitnet2B4T).len() * head.len()) as u64));
            let many = step::<PAST, BATCH>();
            let (q, (k, v)) = (queries(many), rows(many, &stored));
            let mut prompt = sequence.fork();
            prompt.rewind(PAST);
            let mut caches = KvStep::open(many, vec![&mut prompt]).expect("pages");
            let layer = Idx::all(layers).next().expect("a block");
            let cached = caches.layer(layer).append(k.view(), v.view());
            group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
                let batch = || cpu.attention(q.view(), &cached);
                bencher.iter(|| black_box(batch()));
                check(batch().data(), &q, &stored, tolerance);
            });
            group.finish();
        }
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(600))
}

criterion_group! { name = attention; config = short(); targets = bench }
criterion_main!(attention);
