//! A decoder block (Vaswani et al. 2017, section 3.1): causal attention, attention to an encoded source, a network.

use trine::ops::{Activations, Function, LayerNorm};
use trine::prelude::*;
use trine::shapes::{Branch, FfnNorm, NormRole, Normed, Value, norm_role};

axis! { struct Source = 8; pub(crate) struct Target = 5; pub(crate) struct Width = 14; }
axis! { struct Heads = 3; struct HeadWidth = 4; struct Inner = 18; }
product! { struct Attended = Heads x HeadWidth; }
norm_role! { enum SelfNorm = "self_norm"; enum CrossNorm = "cross_norm"; enum SourceNorm = "source_norm"; }
type Rows<T, A> = Tensor<f32, (T, A)>;
type Split<T, A> = Tensor<f32, (T, Heads, A)>;
type Input<T, R> = Activations<T, Normed<R, Width>>;

/// Attention from what the norm `Q` makes to what the norm `K` makes.
struct Attention<Q, K> {
    query: Weight<Matrix, Attended, Normed<Q, Width>>,
    key: Weight<Matrix, Attended, Normed<K, Width>>,
    value: Weight<Matrix, Value<Attended>, Normed<K, Width>>,
    output: Weight<Matrix, Branch<Width>, Attended>,
}

impl<Q: NormRole, K: NormRole> Attention<Q, K> {
    fn new(seed: usize) -> Self {
        Attention {
            query: Weight::from_fn((Attended, Normed::of(Width)), wave(seed)),
            key: Weight::from_fn((Attended, Normed::of(Width)), wave(seed + 1)),
            value: Weight::from_fn((Value::of(Attended), Normed::of(Width)), wave(seed + 2)),
            output: Weight::from_fn((Branch::of(Width), Attended), wave(seed + 3)),
        }
    }

    fn of<T: Axis, S: Axis, F>(&self, cpu: &Cpu, x: &Input<T, Q>, y: &Input<S, K>, attend: F) -> Rows<T, Branch<Width>>
    where
        F: FnOnce(Split<T, HeadWidth>, Split<S, HeadWidth>, Split<S, Value<HeadWidth>>) -> Split<T, HeadWidth>,
    {
        let (q, k, v) = (cpu.linear(x, &self.query), cpu.linear(y, &self.key), cpu.linear(y, &self.value));
        cpu.linear(&Activations::new(attend(q.split(), k.split(), v.split()).merge()), &self.output)
    }
}

struct Block {
    norms: (LayerNorm<SelfNorm, Width>, LayerNorm<CrossNorm, Width>, LayerNorm<FfnNorm, Width>),
    attention: (Attention<SelfNorm, SelfNorm>, Attention<CrossNorm, SourceNorm>),
    network: (Weight<Matrix, Inner, Normed<FfnNorm, Width>>, Weight<Matrix, Branch<Width>, Inner>),
}

fn decode(cpu: &Cpu, block: &Block, x: Rows<Target, Width>, source: &Input<Source, SourceNorm>) -> Rows<Target, Width> {
    let (h, residual) = cpu.pre_layer_norm(x, &block.norms.0);
    let h = Activations::new(h);
    let own = block.attention.0.of(cpu, &h, &h, |q, k, v| cpu.attend_causal(q.view(), k.view(), v.view()));
    let (h, residual) = cpu.pre_layer_norm(cpu.add_branch(residual, own), &block.norms.1);
    let cross =
        block.attention.1.of(cpu, &Activations::new(h), source, |q, k, v| cpu.attend(q.view(), k.view(), v.view()));
    let (h, residual) = cpu.pre_layer_norm(cpu.add_branch(residual, cross), &block.norms.2);
    let inner = cpu.map(cpu.linear(&Activations::new(h), &block.network.0), Function::Relu);
    cpu.add_branch(residual, cpu.linear(&Activations::new(inner), &block.network.1))
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

fn norm<R: NormRole>(seed: usize) -> LayerNorm<R, Width> {
    LayerNorm::new(Tensor::from_fn((Width,), wave(seed)), Tensor::from_fn((Width,), wave(seed + 1)), 1e-5)
}

pub(crate) fn example(cpu: &Cpu) -> Rows<Target, Width> {
    let network =
        (Weight::from_fn((Inner, Normed::of(Width)), wave(15)), Weight::from_fn((Branch::of(Width), Inner), wave(16)));
    let source = cpu.layer_norm(Tensor::from_fn((Source, Width), wave(17)), &norm(18));
    let block =
        Block { norms: (norm(1), norm(3), norm(5)), attention: (Attention::new(7), Attention::new(11)), network };
    decode(cpu, &block, Tensor::from_fn((Target, Width), wave(20)), &Activations::new(source))
}

fn main() -> Result<(), trine::kernels::CpuError> {
    Cpu::new(CpuOptions::default()).map(|cpu| println!("{:?}", example(&cpu).view()))
}
