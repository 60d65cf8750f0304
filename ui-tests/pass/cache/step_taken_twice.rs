//! A step is taken once.
#![allow(unused)]
use trine::prelude::*;

fn predicted<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: Step<M, B, P, S>,
) -> Tensor<f32, (T, Vocab<M>)> {
    let positions = step.positions();
    model.logits(cpu, step)
}

fn main() {}
