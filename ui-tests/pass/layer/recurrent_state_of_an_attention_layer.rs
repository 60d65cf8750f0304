//! Each kind of layer has states of its own and indices of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Depths { recurrent } }
axis! { struct ScanLayers<M: Environment<Depths>> = |depths| depths.recurrent; }

fn state<M: Model + Environment<Depths>>(
    states: &PerLayer<ScanLayers<M>, Vec<f32>>,
    layer: Idx<ScanLayers<M>>,
) -> &[f32] {
    &states[layer]
}

fn main() {}
