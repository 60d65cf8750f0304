//! Probabilities are given to a sampler, which makes probabilities of them once more.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn row<M: Model>(
    cpu: &Cpu,
    logits: Tensor<f32, (Vocab<M>,)>,
) {
    let probabilities = cpu.softmax(logits.clone());
    Logits::dense(probabilities);
}

fn main() {}
