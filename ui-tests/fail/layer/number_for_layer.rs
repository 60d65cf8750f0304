//! A layer is looked up by a bare number, of which nobody knows whether there are so many.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn weights<M: Model>(model: &Transformer<M>, layer: Idx<AttentionLayers<M>>) -> &Attention<M> {
    &model.attention[12]
}

fn main() {}
