//! The number of a head is given for that of a layer.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cache<T: Step, M: Model>(
    caches: &mut KvStep<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    layer: Idx<KvHeads<M>>,
) {
    caches.layer(layer);
}

fn main() {}
