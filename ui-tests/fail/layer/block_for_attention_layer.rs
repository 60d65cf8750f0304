//! Weights of attention are looked up by the number of a block, but not every block need have attention.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn weights<M: Model>(
    model: &Transformer<M>,
    layer: Idx<Blocks<M>>,
) -> &Attention<M> {
    &model.attention[layer]
}

fn main() {}
