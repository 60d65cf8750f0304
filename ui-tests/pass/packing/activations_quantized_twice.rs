//! Activations are made once, from values, and shared by every matrix that takes them.
#![allow(unused)]
use trine::prelude::*;

fn projections<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    h: Activations<B, S, Hidden<M>>,
    key: &Linear<KvWidth<M>, Hidden<M>>,
) -> Tensor<f32, (B, S, KvWidth<M>)> {
    let again = h;
    cpu.linear(&again, key)
}

fn main() {}
