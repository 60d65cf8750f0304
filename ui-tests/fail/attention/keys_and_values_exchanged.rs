//! Keys are given as values and values as keys.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cached<T: Step, M: Model>(
    layer: KvLayer<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    k: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    v: View<f32, (T, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    layer.append(v, k);
}

fn main() {}
