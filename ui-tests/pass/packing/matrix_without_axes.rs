//! A matrix gets its axes once, when it is loaded and its size is checked.
#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<B, S, Hidden<M>>,
    weight: &Linear<Ffn<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, Ffn<M>)> {
    cpu.linear(h, weight)
}

fn main() {}
