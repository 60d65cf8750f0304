//! A block knows which of the attention layers is its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn weights<M: Model>(
    model: &Transformer<M>,
    layer: Idx<AttentionLayers<M>>,
) -> &Attention<M> {
    &model.attention[layer]
}

fn main() {}
