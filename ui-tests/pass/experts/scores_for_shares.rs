//! Tokens are sent by probabilities.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn sent<T: Step, M: Model>(
    cpu: &Cpu,
    scores: Tensor<f32, (T, Experts<M>)>,
    used: UsedExperts<M>,
) -> Routing<T, Experts<M>> {
    cpu.route(cpu.softmax(scores), used)
}

fn main() {}
