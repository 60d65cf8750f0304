//! The next token follows from the logits of the last one of its sequence.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, T>,
) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
    let logits = model.next_logits(cpu, step);
    logits
}

fn main() {}
