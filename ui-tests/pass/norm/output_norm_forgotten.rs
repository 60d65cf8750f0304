//! The residual stream passes the norm before the head first.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn logits<M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Fixed<1>, Hidden<M>)>,
    norm: &RmsNorm<OutputNorm, Hidden<M>>,
    head: &Head<Matrix, Vocab<M>, Hidden<M>>,
) -> Tensor<f32, (Fixed<1>, Vocab<M>)> {
    let h = Activations::new(cpu.rms_norm(x, norm));
    cpu.logits(&h, head)
}

fn main() {}
