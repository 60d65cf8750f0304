//! Values are rotated like keys; only queries and keys carry positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cached<T: Step, M: Model>(
    layer: KvLayer<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    k: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    v: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
) {
    layer.append(k, v);
}

fn main() {}
