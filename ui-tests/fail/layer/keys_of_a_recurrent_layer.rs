//! Keys and values are asked for by the index of a recurrent layer, which has none.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Depths { recurrent } }
axis! { struct ScanLayers<M: Environment<Depths>> = |depths| depths.recurrent; }

fn cache<T: Step, M: Model + Environment<Depths>>(
    caches: &mut KvStep<T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    layer: Idx<ScanLayers<M>>,
) {
    caches.layer(layer);
}

fn main() {}
