//! A sampler takes logits.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn row<M: Model>(
    cpu: &Cpu,
    logits: Tensor<f32, (Vocab<M>,)>,
) {
    let probabilities = cpu.softmax(logits.clone());
    Logits::dense(logits);
}

fn main() {}
