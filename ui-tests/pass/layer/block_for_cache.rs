//! Weights, keys and values of an attention layer have one index.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cache<T: Step, M: Model>(
    caches: &mut KvStep<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    layer: Idx<AttentionLayers<M>>,
) {
    caches.layer(layer);
}

fn main() {}
