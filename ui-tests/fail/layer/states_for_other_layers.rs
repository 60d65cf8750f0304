//! Memory is made with a state for each block where there is one for each recurrent layer.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Depths { recurrent } }
axis! { struct ScanLayers<M: Environment<Depths>> = |depths| depths.recurrent; }

fn states<M: Model + Environment<Depths>>(
    layers: Blocks<M>,
) -> PerLayer<ScanLayers<M>, Vec<f32>> {
    PerLayer::from_fn(layers, |_| vec![0.0; 64])
}

fn main() {}
