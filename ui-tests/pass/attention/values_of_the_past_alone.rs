//! Keys and values are both of the step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cached<B: Axis, P: Axis, S: Axis, M: Model>(
    layer: KvLayer<Uniform<B, P, S>, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    k: View<f32, (Uniform<B, P, S>, KvHeads<M>, Rotated<HeadDim<M>>)>,
    v: View<f32, (Uniform<B, P, S>, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    layer.append(k, v);
}

fn main() {}
