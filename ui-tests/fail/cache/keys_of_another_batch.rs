//! Keys of one sequence are put into the cache of a batch.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn cached<'b, P: Axis, S: Axis, M: Model>(
    layer: KvLayer<Uniform<Batch<'b>, P, S>, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    k: View<f32, (Uniform<Fixed<1>, P, S>, KvHeads<M>, Rotated<HeadDim<M>>)>,
    v: View<f32, (Uniform<Batch<'b>, P, S>, KvHeads<M>, Value<HeadDim<M>>)>,
) {
    layer.append(k, v);
}

fn main() {}
