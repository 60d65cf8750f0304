//! The sequences of a rectangular step are a batch.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<'t, B: Axis, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, Uniform<B, P, S>>,
) -> Tensor<f32, (Sequences<Uniform<B, P, S>>, Vocab<M>)> {
    model.next_logits(cpu, step)
}

fn main() {}
