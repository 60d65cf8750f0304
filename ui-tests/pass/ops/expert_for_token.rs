//! The index of an expert finds an expert.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Experts = 4; struct Tokens = 7; }
fn chosen<M: Model>(
    cpu: &Cpu,
    router: Tensor<f32, (Tokens, Experts)>,
    biases: Tensor<f32, (Experts, Hidden<M>)>,
    x: Tensor<f32, (Tokens, Hidden<M>)>,
) {
    let best = cpu.argmax(router.view());
    biases.view().gather(best.view());
}

fn main() {}
