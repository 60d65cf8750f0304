//! The step was opened on a cache of the same model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn predicted<T: Step>(
    cpu: &Cpu,
    model: &Transformer<Target>,
    step: StepInput<Target, T>,
) -> Tensor<f32, (Sequences<T>, Vocab<Target>)> {
    model.next_logits(cpu, step)
}

fn main() {}
