//! Keys are declared to be values.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn values<T: Axis, M: Model>(
    cpu: &Cpu,
    h: &Activations<T, Normed<AttnNorm, Hidden<M>>>,
    layer: &Attention<M>,
    width: KvWidth<M>,
) {
    let v = Tensor::from_data((Value::of(width),), cpu.linear(h, &layer.key).into_data());
}

fn main() {}
