//! One step is taken twice; its keys and values are in the cache after the first time.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn predicted<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, T>,
) -> Tensor<f32, (T, Vocab<M>)> {
    model.prefill(cpu, step);
    model.logits(cpu, step)
}

fn main() {}
