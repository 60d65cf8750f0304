//! What a step does between its products, with the widths of BitNet b1.58 2B4T: norms, rotation, the gate, residual
//! addition, and both quantizations of activations, for one token and for a prompt, on every instruction set.
//!
//! Throughput is elements. Results are compared with the plain loops.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use trine_kernels::activations::BlockRule;
use trine_kernels::reference::float::{gated, rms_norm};
use trine_kernels::reference::ternary::{quantize_int8, quantize_q8k};
use trine_kernels::{ActivationRows, CpuOptions, GateActivation, Isa};
use trine_ops::{Cpu, Gating, RmsNorm, Rope};
use trine_shapes::RopePairing;
use trine_shapes::{
    AttnNorm, Axis, Bitnet2B4T, Buffer, Ffn, Fixed, Gate, HeadDim, Hidden, Plain, QWidth, Seq, Tensor, Uniform,
};

const EPSILON: f32 = 1e-5;
const BASE: f32 = 500_000.0;

/// Numbers in -2..2 that look random.
fn number(i: usize) -> f32 {
    let bits = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1 << 22) as f32 - 2.0
}

fn numbers<T: Axis, A: Axis>(tokens: T, axis: A) -> Tensor<f32, (T, A)> {
    let numbers: Vec<f32> = (0..tokens.len() * axis.len()).map(number).collect();
    Tensor::assume((tokens, axis), numbers, "a benchmark without a model")
}

/// Measures `run`, whose last result is `expected`.
fn measure<T: PartialEq + std::fmt::Debug>(
    criterion: &mut Criterion,
    name: &str,
    elements: usize,
    mut run: impl FnMut() -> T,
    expected: &T,
) {
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(elements as u64));
    let mut last = None;
    group.bench_function(name, |bencher| bencher.iter(|| last = Some(run())));
    assert!(last.is_none_or(|last| last == *expected), "{name}");
    group.finish();
}

fn norms_and_sums<S: Plain>(criterion: &mut Criterion, cpu: &Cpu, seq: S, name: &str) {
    let (hidden, ffn) = (Hidden::of(Bitnet2B4T), Ffn::of(Bitnet2B4T));
    let x = numbers(seq, hidden);
    let gain = Tensor::from_fn((hidden,), |i| 1.0 + number(i) / 4.0);
    let expected: Vec<f32> =
        x.data().chunks_exact(hidden.len()).flat_map(|x| rms_norm(x, gain.data(), EPSILON)).collect();
    let norm = RmsNorm::<AttnNorm, _>::new(gain, EPSILON);
    let run = || cpu.rms_norm(black_box(x.clone()), &norm).into_data();
    measure(criterion, &format!("norm/{name}"), x.data().len(), run, &expected.into());

    let sum: Buffer<f32> = x.data().iter().map(|x| x + x).collect();
    let run = || cpu.add(x.clone(), black_box(x.view())).into_data();
    measure(criterion, &format!("residual/{name}"), x.data().len(), run, &sum);

    let (gate, up) = (numbers(seq, Gate::of(ffn)), numbers(seq, ffn));
    for (activation, of) in [(GateActivation::ReluSquared, "relu2"), (GateActivation::Silu, "silu")] {
        let expected = gated(activation, gate.data(), up.data());
        let run = || cpu.gated(Gating::new(ffn, activation), gate.clone(), black_box(up.clone())).into_data();
        measure(criterion, &format!("gate {of}/{name}"), up.data().len(), run, &expected.into());
    }
}

/// The first position does not turn, and no pair changes its length.
fn rotation<S: Plain>(criterion: &mut Criterion, cpu: &Cpu, seq: S, name: &str) {
    let head = HeadDim::of(Bitnet2B4T);
    let rope = Rope::new(head, RopePairing::NeoX, BASE, &vec![1.0; head.len() / 2], seq.len());
    let step = Uniform::assume(Fixed::<1>, Fixed::<0>, seq, "a benchmark without state");
    let x = numbers(step, QWidth::of(Bitnet2B4T)).split();
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(x.data().len() as u64));
    group.bench_function(format!("rope/{name}"), |bencher| {
        let mut last = Buffer::from([]);
        bencher.iter(|| last = cpu.rope(black_box(x.clone()), &rope).into_data());
        let first = QWidth::of(Bitnet2B4T).len();
        assert_eq!(last[..first], x.data()[..first], "{name}: position 0");
        for (found, given) in last.chunks_exact(head.len()).zip(x.data().chunks_exact(head.len())) {
            let length = |head: &[f32], i: usize| head[i].hypot(head[i + head.len() / 2]);
            for i in 0..head.len() / 2 {
                assert!((length(found, i) - length(given, i)).abs() < 1e-5, "{name}: pair {i}");
            }
        }
    });
    group.finish();
}

fn quantization(criterion: &mut Criterion, cpu: &Cpu, tokens: usize, name: &str) {
    let cols = Ffn::of(Bitnet2B4T).len();
    let x: Vec<f32> = (0..tokens * cols).map(number).collect();
    let rows = || ActivationRows::new(cols, x.clone());
    let (codes, scales): (Vec<_>, Vec<_>) = x.chunks_exact(cols).map(quantize_int8).unzip();
    let run = || {
        let rows = rows();
        let quantized = rows.int8(cpu);
        (quantized.quantized().codes().to_vec(), quantized.scales().to_vec())
    };
    measure(criterion, &format!("int8/{name}"), x.len(), run, &(codes.concat(), scales));
    let (codes, scales): (Vec<_>, Vec<_>) = x.chunks_exact(cols).map(quantize_q8k).unzip();
    let run = || {
        let rows = rows();
        let quantized = rows.blocks(cpu, BlockRule::Q8K);
        (quantized.quantized().codes().to_vec(), quantized.scales().to_vec())
    };
    measure(criterion, &format!("q8_k/{name}"), x.len(), run, &(codes.concat(), scales.concat()));
}

fn bench(criterion: &mut Criterion) {
    for isa in Isa::available() {
        for threads in [1, num_cpus::get_physical()] {
            let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) }).expect("a machine");
            for tokens in [1, 128] {
                let name = format!("{tokens} tokens/{isa}/{threads}");
                Seq::scope(tokens, |seq| {
                    norms_and_sums(criterion, &cpu, seq, &name);
                    rotation(criterion, &cpu, seq, &name);
                });
                quantization(criterion, &cpu, tokens, &name);
            }
        }
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(20))
        .measurement_time(Duration::from_millis(100))
}

criterion_group! { name = rows; config = short(); targets = bench }
criterion_main!(rows);
