//! Activations that a matrix may already have quantized are quantized again.
#![allow(unused)]
use trine::prelude::*;

fn projections<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: Activations<B, S, Hidden<M>>,
    key: &Linear<KvWidth<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, KvWidth<M>)> {
    let again = Activations::new(h);
    cpu.linear(&again, key)
}

fn main() {}
