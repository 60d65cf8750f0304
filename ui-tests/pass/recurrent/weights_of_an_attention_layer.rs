//! Weights of a kind of layer have the index of that kind.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn weights<M: Model>(model: &Transformer<M>, layer: Idx<RecurrentLayers<M>>) -> &DeltaNet<M> {
    &model.recurrent[layer]
}

fn main() {}
