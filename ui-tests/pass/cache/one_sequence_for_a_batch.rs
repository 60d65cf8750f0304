//! A step of a batch has a row of logits for each of its sequences.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<'b, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, Uniform<Batch<'b>, P, S>>,
) -> Tensor<f32, (Batch<'b>, Vocab<M>)> {
    model.next_logits(cpu, step).batched()
}

fn main() {}
