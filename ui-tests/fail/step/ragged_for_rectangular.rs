//! Logits of a ragged step are returned as if all its sequences were equally long.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<'t, B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, Ragged<'t>>,
) -> Tensor<f32, (Sequences<Uniform<B, P, S>>, Vocab<M>)> {
    model.next_logits(cpu, step)
}

fn main() {}
