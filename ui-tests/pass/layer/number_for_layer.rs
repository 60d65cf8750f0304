//! An index was compared with the number of layers when it was made.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn weights<M: Model>(model: &Transformer<M>, layer: Idx<AttentionLayers<M>>) -> &Attention<M> {
    &model.attention[layer]
}

fn main() {}
