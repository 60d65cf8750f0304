//! The head gets the residual stream itself: the norm before the head is missing.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Fixed<1>, Hidden<M>)>,
    norm: &RmsNorm<OutputNorm, Hidden<M>>,
    head: &Head<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Fixed<1>, Vocab<M>)> {
    let h = Activations::new(x);
    cpu.logits(&h, head)
}

fn main() {}
