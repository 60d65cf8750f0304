//! What leaves the call of an expert are numbers.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Normalised<T, M> = Activations<T, Normed<FfnNorm, Hidden<M>>>;
type Weights<M> = PerLayer<Experts<M>, Weight<Matrix, Branch<Hidden<M>>, Normed<FfnNorm, Hidden<M>>>>;
fn mixed<T: Step, M: Model>(
    cpu: &Cpu,
    (routing, weights, hidden): (&Routing<T, Experts<M>>, &Weights<M>, Hidden<M>),
    all: &Normalised<T, M>,
) {
    let mut kept = None;
    cpu.mixture(routing, all, hidden, |expert, x| {
        let made = cpu.linear(&x, &weights[expert]);
        kept = Some(made.data().to_vec());
        made
    });
}

fn main() {}
