//! A step is taken once.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn predicted<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, T>,
) -> Tensor<f32, (T, Vocab<M>)> {
    let tokens = step.tokens();
    model.logits(cpu, step)
}

fn main() {}
