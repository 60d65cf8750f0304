//! The state of a recurrent layer is looked up by the index of an attention layer.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Depths { recurrent } }
axis! { struct ScanLayers<M: Environment<Depths>> = |depths| depths.recurrent; }

fn state<M: Model + Environment<Depths>>(
    states: &PerLayer<ScanLayers<M>, Vec<f32>>,
    layer: Idx<AttentionLayers<M>>,
) -> &[f32] {
    &states[layer]
}

fn main() {}
