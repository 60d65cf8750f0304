//! Values are what the matrix of the values has made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn values<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    layer: &Attention<M>,
    width: KvWidth<M>,
) {
    let v = cpu.linear(h, &layer.value);
}

fn main() {}
