//! The experts of a router index tokens.
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
    x.view().gather(best.view());
}

fn main() {}
