//! A model is given the cache of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn predicted<T: Step>(
    cpu: &Cpu,
    model: &Transformer<Target>,
    step: StepInput<Draft, T>,
) -> Tensor<f32, (Sequences<T>, Vocab<Target>)> {
    model.next_logits(cpu, step)
}

fn main() {}
