//! A mixture of experts: each token goes through the two that its router likes best, and through one that all share.
//!
//! Source: Dai et al. 2024 (arXiv 2401.06066), equations 9 to 11, with the shares of the chosen experts normalised.

use trine::kernels::GateActivation;
use trine::ops::{Activations, Gating, RmsNorm};
use trine::prelude::*;
use trine::shapes::{Branch, FfnNorm, Fixed, Gate, Normed, PerLayer};

axis! { pub(crate) struct Tokens = 7; pub(crate) struct Width = 10; struct Inner = 6; struct Experts = 5; }
type Rows<T, A> = Tensor<f32, (T, A)>;
type Normal = Normed<FfnNorm, Width>;

/// `W_down (silu(W_gate x) * W_up x)`.
struct Expert {
    gate: Weight<Matrix, Gate<Inner>, Normal>,
    up: Weight<Matrix, Inner, Normal>,
    down: Weight<Matrix, Branch<Width>, Inner>,
}

impl Expert {
    fn new(seed: usize) -> Expert {
        let normal = Normal::of(Width);
        Expert {
            gate: Weight::from_fn((Gate::of(Inner), normal), wave(seed)),
            up: Weight::from_fn((Inner, normal), wave(seed + 1)),
            down: Weight::from_fn((Branch::of(Width), Inner), wave(seed + 2)),
        }
    }

    fn apply<T: Axis>(&self, cpu: &Cpu, x: Rows<T, Normal>) -> Rows<T, Branch<Width>> {
        let (x, silu) = (Activations::new(x), Gating::new(Inner, GateActivation::Silu));
        let gated = cpu.gated(silu, cpu.linear(&x, &self.gate), cpu.linear(&x, &self.up));
        cpu.linear(&Activations::new(gated), &self.down)
    }
}

/// `shared(x) + sum_e p_e / sum(p) e(x)` over the chosen experts `e`.
fn mixture(
    cpu: &Cpu,
    x: Rows<Tokens, Normal>,
    router: &Weight<Matrix, Experts, Normal>,
    (shared, experts): (&Expert, &PerLayer<Experts, Expert>),
) -> Rows<Tokens, Branch<Width>> {
    let logits = cpu.linear(&Activations::new(x.clone()), router);
    let (chosen, p) = cpu.top_k(cpu.softmax(logits).view(), Fixed::<2>);
    let total = cpu.sum(p.view(), p.shape().1);
    let shares = cpu.scale_rows(p, cpu.map_by(total, f32::recip).view());
    Idx::all(Experts).fold(shared.apply(cpu, x.clone()), |mixed, expert| {
        chosen.view().occurrences(expert, |tokens, places| {
            let y = experts[expert].apply(cpu, x.view().gather(tokens.view()));
            let share = shares.view().gather(tokens.view()).view().pick(places.view());
            cpu.scatter_add(mixed, tokens.view(), cpu.scale_rows(y, share.view()).view())
        })
    })
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

pub(crate) fn example(cpu: &Cpu) -> Rows<Tokens, Width> {
    let norm = RmsNorm::<FfnNorm, _>::new(Tensor::from_fn((Width,), wave(1)), 1e-6);
    let router = Weight::from_fn((Experts, Normal::of(Width)), wave(2));
    let experts = PerLayer::from_fn(Experts, |expert| Expert::new(10 * expert.get() + 10));
    let (h, residual) = cpu.pre_norm(Tensor::from_fn((Tokens, Width), wave(3)), &norm);
    cpu.add_branch(residual, mixture(cpu, h, &router, (&Expert::new(4), &experts)))
}

fn main() -> Result<(), trine::kernels::CpuError> {
    Cpu::new(CpuOptions::default()).map(|cpu| println!("{:?}", example(&cpu).view()))
}
