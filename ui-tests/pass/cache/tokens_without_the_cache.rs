//! A step is tokens together with the cache that they extend.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn predicted<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    next: StepInput<M, T>,
) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
    model.next_logits(cpu, next)
}

fn main() {}
