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
use trine_kernels::{CacheBuffer, CacheType, Cpu, CpuOptions, reference};
use trine_shapes::{Axis, Bitnet2B4T, Fixed, HeadDim, Heads, KvHeads, Plus, Rotated, Tensor, Value};

const LAYERS: usize = 30;
const CONTEXT: usize = 4096;
/// Tokens of a batch of a prompt, and those before them.
const BATCH: usize = 256;
const PAST: usize = 1920;

type Model = Bitnet2B4T;
type Queries<S> = Tensor<f32, (Fixed<1>, S, Heads<Model>, Rotated<HeadDim<Model>>)>;
type Keys = CacheBuffer<Fixed<1>, KvHeads<Model>, Rotated<HeadDim<Model>>>;
type Values = CacheBuffer<Fixed<1>, KvHeads<Model>, Value<HeadDim<Model>>>;

/// Numbers in -1..1 that look random.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(next).collect()
}

fn queries<S: Axis>(seq: S) -> Queries<S> {
    let (heads, head) = (Heads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    let numbers = numbers(1, seq.len() * heads.len() * head.len());
    Tensor::from_fn((Fixed, seq, heads, Rotated::of(head)), |i| numbers[i])
}

/// Full caches of one block, and the numbers in them: `[position][kv_head][head_dim]`.
fn caches(kind: CacheType) -> ((Keys, Values), [Vec<f32>; 2]) {
    let (heads, head) = (KvHeads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    let numbers = [2, 3].map(|seed| numbers(seed, CONTEXT * heads.len() * head.len()));
    let mut keys = CacheBuffer::keys(Fixed::<1>, heads, head, CONTEXT, kind).expect("memory");
    let mut values = CacheBuffer::values(Fixed::<1>, heads, head, CONTEXT, kind).expect("memory");
    let at = Plus(Fixed::<0>, Fixed::<CONTEXT>);
    keys.append(Tensor::from_fn((Fixed, at.1, heads, Rotated::of(head)), |i| numbers[0][i]).view(), at);
    values.append(Tensor::from_fn((Fixed, at.1, heads, Value::of(head)), |i| numbers[1][i]).view(), at);
    ((keys, values), numbers)
}

/// Compares the heads of the first and the last query with the plain loops.
fn check<S: Axis>(found: &[f32], queries: &Queries<S>, stored: &[Vec<f32>; 2], past: usize, tolerance: f32) {
    let (_, seq, heads, head) = queries.shape();
    let (head, kv_heads) = (head.len(), KvHeads::of(Bitnet2B4T).len());
    let group = heads.len() / kv_heads;
    for position in [0, seq.len() - 1] {
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
    let (heads, head) = (KvHeads::of(Bitnet2B4T), HeadDim::of(Bitnet2B4T));
    for (kind, bytes, tolerance) in [(CacheType::F32, 4, 1e-6), (CacheType::F16, 2, 1e-4), (CacheType::Q8, 1, 1e-2)] {
        let caches: Vec<_> = (0..LAYERS).map(|_| caches(kind)).collect();
        for threads in [1, num_cpus::get_physical()] {
            let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).expect("threads");
            let name = format!("{kind:?}/{}", cpu.isa());

            let mut group = criterion.benchmark_group(format!("one token, {LAYERS} blocks/{name}"));
            group.throughput(Throughput::Bytes((LAYERS * 2 * CONTEXT * heads.len() * head.len() * bytes) as u64));
            let one = queries(Fixed::<1>);
            let at = Plus(Fixed::<{ CONTEXT - 1 }>, Fixed::<1>);
            group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
                let token = || {
                    let blocks = caches.iter();
                    let of_block =
                        |((k, v), _): &((Keys, Values), _)| cpu.attention(one.view(), k.positions(at), v.positions(at));
                    blocks.map(of_block).last().expect("blocks")
                };
                bencher.iter(|| black_box(token()));
                check(token().data(), &one, &caches[0].1, CONTEXT - 1, tolerance);
            });
            group.finish();

            let mut group = criterion.benchmark_group(format!("{BATCH} tokens after {PAST}/{name}"));
            let pairs = BATCH * PAST + BATCH * (BATCH + 1) / 2;
            group.throughput(Throughput::Elements((4 * pairs * Heads::of(Bitnet2B4T).len() * head.len()) as u64));
            let many = queries(Fixed::<BATCH>);
            let at = Plus(Fixed::<PAST>, Fixed::<BATCH>);
            let ((keys, values), stored) = &caches[0];
            group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
                let batch = || cpu.attention(many.view(), keys.positions(at), values.positions(at));
                bencher.iter(|| black_box(batch()));
                check(batch().data(), &many, stored, PAST, tolerance);
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
