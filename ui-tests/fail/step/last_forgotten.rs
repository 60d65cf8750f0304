//! The head multiplies all tokens of a step, though only the last one of each sequence is asked for.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)>,
    head: &Head<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
    let h = Activations::new(x);
    cpu.logits(&h, head)
}

fn main() {}
