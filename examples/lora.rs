//! Causal attention whose four projections are adapted by matrices of low rank: `W + scale B A` has the axes of `W`.
//! Source: Hu et al. 2021 (arXiv 2106.09685), equation 3.

use trine::ops::{Activations, RmsNorm};
use trine::prelude::*;
use trine::shapes::{AttnNorm, Branch, Made, Normed, Roleless, Value};

axis! {
    pub(crate) struct Tokens = 6; pub(crate) struct Width = 14; struct Heads = 3; struct HeadWidth = 5; struct Rank = 2;
}
product! { struct Attended = Heads x HeadWidth; }
type Rows<T, A> = Tensor<f32, (T, A)>;
type Normal = Normed<AttnNorm, Width>;

/// `W`, `B` and `A`.
struct Adapted<O, I> {
    weight: Weight<Matrix, O, I>,
    up: Weight<Matrix, O, Rank>,
    down: Weight<Matrix, Rank, I>,
}

impl<O: Made, I: Axis> Adapted<O, I> {
    fn new(out: O, input: I, seed: usize) -> Self {
        let weight = Weight::from_fn((out, input), wave(seed));
        let (up, down) = (Weight::from_fn((out, Rank), wave(seed + 1)), Weight::from_fn((Rank, input), wave(seed + 2)));
        Adapted { weight, up, down }
    }

    /// `W x + scale B (A x)`, which is what `W` makes: a sum of gates, values or branches is one.
    fn of<T: Roleless>(&self, cpu: &Cpu, x: &Activations<T, I>) -> Rows<T, O> {
        let low = Activations::new(cpu.linear(x, &self.down));
        cpu.add(cpu.linear(x, &self.weight), cpu.scale(cpu.linear(&low, &self.up), 1.5).view())
    }
}

struct Attention {
    norm: RmsNorm<AttnNorm, Width>,
    query: Adapted<Attended, Normal>,
    key: Adapted<Attended, Normal>,
    value: Adapted<Value<Attended>, Normal>,
    output: Adapted<Branch<Width>, Attended>,
}

fn apply(cpu: &Cpu, attention: &Attention, x: Rows<Tokens, Width>) -> Rows<Tokens, Width> {
    let (h, residual) = cpu.pre_norm(x, &attention.norm);
    let h = Activations::new(h);
    let (q, k) = (attention.query.of(cpu, &h).split(), attention.key.of(cpu, &h).split());
    let attended = cpu.attend_causal(q.view(), k.view(), attention.value.of(cpu, &h).split().view());
    cpu.add_branch(residual, attention.output.of(cpu, &Activations::new(attended.merge())))
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

pub(crate) fn example(cpu: &Cpu) -> Rows<Tokens, Width> {
    let attention = Attention {
        norm: RmsNorm::new(Tensor::from_fn((Width,), wave(1)), 1e-6),
        query: Adapted::new(Attended, Normed::of(Width), 2),
        key: Adapted::new(Attended, Normed::of(Width), 5),
        value: Adapted::new(Value::of(Attended), Normed::of(Width), 8),
        output: Adapted::new(Branch::of(Width), Attended, 11),
    };
    apply(cpu, &attention, Tensor::from_fn((Tokens, Width), wave(14)))
}

fn main() -> Result<(), trine::kernels::CpuError> {
    Cpu::new(CpuOptions::default()).map(|cpu| println!("{:?}", example(&cpu).view()))
}
