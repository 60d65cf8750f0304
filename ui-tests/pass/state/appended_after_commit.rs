//! A step is committed when all layers have appended to it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn last_layer<T: Step, M: Model>(
    mut caches: KvStep<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    layer: Idx<AttentionLayers<M>>,
    k: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    v: View<f32, (T, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    let step = caches.axis();
    caches.layer(layer).append(k, v);
}

fn main() {}
