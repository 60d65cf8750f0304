//! Attention layers are counted for themselves.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn mixer<M: Model>(
    block: Idx<Blocks<M>>,
    layer: Idx<AttentionLayers<M>>,
) -> Mixer<M> {
    Mixer::Attention(layer)
}

fn main() {}
