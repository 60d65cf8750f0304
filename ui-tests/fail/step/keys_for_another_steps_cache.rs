//! Keys are rotated to the positions of one step and put into the cache of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cached<'p, B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    rope: &Rope<HeadDim<M>>,
    layer: KvLayer<Uniform<B, Past<'p>, S>, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    k: Tensor<f32, (Uniform<B, Fixed<0>, S>, KvHeads<M>, HeadDim<M>)>,
    v: View<f32, (Uniform<B, Past<'p>, S>, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    layer.append(cpu.rope(k, rope).view(), v);
}

fn main() {}
