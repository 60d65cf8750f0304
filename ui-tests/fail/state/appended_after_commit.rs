//! Keys and values are appended to a step that is already part of the past.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn last_layer<T: Step, M: Model>(
    mut caches: KvStep<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    layer: Idx<AttentionLayers<M>>,
    k: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    v: View<f32, (T, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    caches.commit();
    caches.layer(layer).append(k, v);
}

fn main() {}
