//! The tokens of one step are sent as those of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Normalised<T, M> = Activations<T, Normed<FfnNorm, Hidden<M>>>;
type Weights<M> = PerLayer<Experts<M>, Weight<Matrix, Branch<Hidden<M>>, Normed<FfnNorm, Hidden<M>>>>;
fn mixed<T: Step, M: Model>(
    cpu: &Cpu,
    (weights, hidden): (&Weights<M>, Hidden<M>),
    (before, now): (&Routing<Ragged, Experts<M>>, &Routing<T, Experts<M>>),
    all: &Normalised<T, M>,
) {
    cpu.mixture(before, all, hidden, |expert, x| cpu.linear(&x, &weights[expert]));
}

fn main() {}
