//! An expert is applied to its own tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Normalised<T, M> = Activations<T, Normed<FfnNorm, Hidden<M>>>;
type Weights<M> = PerLayer<Experts<M>, Weight<Matrix, Branch<Hidden<M>>, Normed<FfnNorm, Hidden<M>>>>;
fn mixed<T: Step, M: Model>(
    cpu: &Cpu,
    (routing, weights, hidden): (&Routing<T, Experts<M>>, &Weights<M>, Hidden<M>),
    all: &Normalised<T, M>,
) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
    cpu.mixture(routing, all, hidden, |expert, x| cpu.linear(&x, &weights[expert]))
}

fn main() {}
