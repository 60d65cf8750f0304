//! Logits of all tokens are returned where those behind each sequence are wanted.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, T>,
) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
    let logits = model.logits(cpu, step);
    logits
}

fn main() {}
