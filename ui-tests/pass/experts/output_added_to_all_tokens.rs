//! What an expert made of its tokens is added to rows of these tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Normalised<T, M> = Activations<T, Normed<FfnNorm, Hidden<M>>>;
type Weights<M> = PerLayer<Experts<M>, Weight<Matrix, Branch<Hidden<M>>, Normed<FfnNorm, Hidden<M>>>>;
fn mixed<T: Step, M: Model>(
    cpu: &Cpu,
    (routing, weights, hidden): (&Routing<T, Experts<M>>, &Weights<M>, Hidden<M>),
    all: &Normalised<T, M>,
    shared: Tensor<f32, (T, Branch<Hidden<M>>)>,
) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
    cpu.mixture(routing, all, hidden, |expert, x| {
        let made = cpu.linear(&x, &weights[expert]);
        let again = made.clone();
        cpu.add(again, made.view())
    })
}

fn main() {}
