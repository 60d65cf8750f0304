//! A model is given the cache of another.
#![allow(unused)]
use trine::prelude::*;

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn predicted<T: Step>(
    cpu: &Cpu,
    model: &Transformer<Target>,
    step: Step<Draft, B, P, S>,
) -> Tensor<f32, (B, Fixed<1>, Vocab<Target>)> {
    model.next_logits(cpu, step)
}

fn main() {}
