//! Tokens are sent by the probabilities of a gate, which has no expert for each of its elements.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn sent<T: Step, M: Model>(
    cpu: &Cpu,
    (scores, up): (Tensor<f32, (T, Experts<M>)>, Tensor<f32, (T, Ffn<M>)>),
    used: UsedExperts<M>,
) -> Routing<T, Experts<M>> {
    cpu.route(cpu.softmax(up), used)
}

fn main() {}
