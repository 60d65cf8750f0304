//! A block is told its own number where that of an attention layer is meant.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn mixer<M: Model>(
    block: Idx<Blocks<M>>,
    layer: Idx<AttentionLayers<M>>,
) -> Mixer<M> {
    Mixer::Attention(block)
}

fn main() {}
