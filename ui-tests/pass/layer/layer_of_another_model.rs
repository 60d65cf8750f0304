//! Index and layers are of one model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn weights(
    model: &Transformer<Draft>,
    layer: Idx<AttentionLayers<Draft>>,
) -> &Attention<Draft> {
    &model.attention[layer]
}

fn main() {}
