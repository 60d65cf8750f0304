//! Each kind of layer has states of its own and indices of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Depths { recurrent } }
axis! { struct RecurrentLayers<M: Environment<Depths>> = |depths| depths.recurrent; }

fn state<M: Model + Environment<Depths>>(
    states: &PerLayer<RecurrentLayers<M>, Vec<f32>>,
    layer: Idx<RecurrentLayers<M>>,
) -> &[f32] {
    &states[layer]
}

fn main() {}
