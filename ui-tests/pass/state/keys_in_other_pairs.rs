//! All keys of a cache are rotated alike.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cached<T: Step, M: Model>(
    layer: KvLayer<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>, NeoX>,
    k: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>, NeoX>)>,
    v: View<f32, (T, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    layer.append(k, v);
}

fn main() {}
