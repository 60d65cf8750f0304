//! Layers of one model are indexed by those of another, which has more of them.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn weights(
    model: &Transformer<Draft>,
    layer: Idx<AttentionLayers<Target>>,
) -> &Attention<Draft> {
    &model.attention[layer]
}

fn main() {}
