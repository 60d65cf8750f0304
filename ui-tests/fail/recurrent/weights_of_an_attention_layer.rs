//! The weights of the delta rule are looked up by the index of an attention layer.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn weights<M: Model>(model: &Transformer<M>, layer: Idx<AttentionLayers<M>>) -> &DeltaNet<M> {
    &model.recurrent[layer]
}

fn main() {}
