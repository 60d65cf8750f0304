//! The keys of an attention layer are asked for by the number of its block.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cache<T: Step, M: Model>(
    caches: &mut KvStep<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    layer: Idx<Blocks<M>>,
) {
    caches.layer(layer);
}

fn main() {}
