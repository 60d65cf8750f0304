//! A selective state space model: causal convolution, a recurrence whose factors depend on the input, and a gate.
//! Source: Gu and Dao 2023 (arXiv 2312.00752), algorithm 2 and figure 3.

use trine::kernels::GateActivation;
use trine::ops::{Activations, Bias, Function, Gating, LayerNorm};
use trine::prelude::*;
use trine::shapes::{AttnNorm, Branch, First, Gate, Normed, Second, role};

axis! { pub(crate) struct Steps = 9; pub(crate) struct Width = 5; struct Inner = 8; struct State = 4; }
axis! { struct Rank = 3; struct Taps = 2; }
role! {
    /// How far a position moves the state, before its softplus.
    struct Pace<A>: Made;
    /// Where a position writes to in the state.
    struct Write<A>: Made;
    /// Where it reads from.
    struct Read<A>: Made;
}
type Rows<T, A> = Tensor<f32, (T, A)>;

struct Mamba {
    inner: Weight<Matrix, Inner, Normed<AttnNorm, Width>>,
    gate: Weight<Matrix, Gate<Inner>, Normed<AttnNorm, Width>>,
    kernel: (Rows<Inner, Taps>, Tensor<f32, (Inner,)>),
    rank: Weight<Matrix, Rank, Inner>,
    pace: Weight<Matrix, Pace<Inner>, Rank>,
    write: Weight<Matrix, Write<State>, Inner>,
    read: Weight<Matrix, Read<State>, Inner>,
    decay: Rows<Inner, State>,
    skip: Tensor<f32, (Inner,)>,
    output: Weight<Matrix, Branch<Width>, Inner>,
}

/// `h_s = exp(-pace_s e^decay) h_(s-1) + pace_s x_s write_s`, and `y_s = h_s read_s + skip x_s`, gated.
fn mix(cpu: &Cpu, mamba: &Mamba, h: Rows<Steps, Normed<AttnNorm, Width>>) -> Rows<Steps, Branch<Width>> {
    let h = Activations::new(h);
    let x = cpu.causal_convolution(cpu.linear(&h, &mamba.inner).view(), mamba.kernel.0.view());
    let x = cpu.map(cpu.add_to_rows(x, mamba.kernel.1.view()), Function::Silu);
    let of_x = Activations::new(x.clone());
    let pace = cpu.linear(&Activations::new(cpu.linear(&of_x, &mamba.rank)), &mamba.pace);
    let pace = cpu.map(Pace::take(pace), Function::Softplus);
    let write = Write::take(cpu.linear(&of_x, &mamba.write)).view().repeat(Inner, Second);
    let read = Read::take(cpu.linear(&of_x, &mamba.read)).view().repeat(Inner, Second);
    let decay = cpu.scale(cpu.map(mamba.decay.clone(), Function::Exp), -1.0).view().repeat(Steps, First);
    let a = cpu.map(cpu.scale_rows(decay, pace.view()), Function::Exp);
    let b = cpu.scale_rows(write, cpu.product(pace, x.view()).view());
    let (states, _) = cpu.scan(Tensor::zeros((Inner, State)), a.view(), b);
    let y = cpu.sum(cpu.product(states, read.view()).view(), State);
    let y = cpu.add(y, cpu.multiply_rows(x, mamba.skip.view()).view());
    let y = cpu.gated(Gating::new(Inner, GateActivation::Silu), cpu.linear(&h, &mamba.gate), y);
    cpu.linear(&Activations::new(y), &mamba.output)
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

pub(crate) fn example(cpu: &Cpu) -> Rows<Steps, Width> {
    let pace = Weight::from_fn((Pace::of(Inner), Rank), wave(6));
    let mamba = Mamba {
        inner: Weight::from_fn((Inner, Normed::of(Width)), wave(1)),
        gate: Weight::from_fn((Gate::of(Inner), Normed::of(Width)), wave(2)),
        kernel: (Tensor::from_fn((Inner, Taps), wave(3)), Tensor::from_fn((Inner,), wave(4))),
        rank: Weight::from_fn((Rank, Inner), wave(5)),
        pace: pace.with_bias(Bias::from_fn((Pace::of(Inner), Rank), wave(7))),
        write: Weight::from_fn((Write::of(State), Inner), wave(8)),
        read: Weight::from_fn((Read::of(State), Inner), wave(9)),
        decay: Tensor::from_fn((Inner, State), wave(10)),
        skip: Tensor::from_fn((Inner,), wave(11)),
        output: Weight::from_fn((Branch::of(Width), Inner), wave(12)),
    };
    let norm = LayerNorm::new(Tensor::from_fn((Width,), wave(13)), Tensor::from_fn((Width,), wave(14)), 1e-5);
    let (h, residual) = cpu.pre_layer_norm(Tensor::from_fn((Steps, Width), wave(15)), &norm);
    cpu.add_branch(residual, mix(cpu, &mamba, h))
}

fn main() -> Result<(), trine::kernels::CpuError> {
    Cpu::new(CpuOptions::default()).map(|cpu| println!("{:?}", example(&cpu).view()))
}
