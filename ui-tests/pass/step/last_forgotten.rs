//! One row for each sequence is left before the head.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)>,
    head: &Head<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
    let h = Activations::new(x.view().last());
    cpu.logits(&h, head)
}

fn main() {}
