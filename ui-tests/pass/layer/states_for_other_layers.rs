//! There are as many states as layers of their kind.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Depths { recurrent } }
axis! { struct ScanLayers<M: Environment<Depths>> = |depths| depths.recurrent; }

fn states<M: Model + Environment<Depths>>(
    layers: ScanLayers<M>,
) -> PerLayer<ScanLayers<M>, Vec<f32>> {
    PerLayer::from_fn(layers, |_| vec![0.0; 64])
}

fn main() {}
