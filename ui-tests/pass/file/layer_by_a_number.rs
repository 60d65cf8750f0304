//! A layer is an index, which was compared with how many there are.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

parameters! {
    struct Gains<M: Model> = "blk.{}.attn_norm.weight": RmsNorm<AttnNorm, Hidden<M>>;
}

fn read<M: Model>(
    file: &mut Parameters,
    layer: Idx<AttentionLayers<M>>,
    model: M,
) -> Result<Gains<M>, LoadError> {
    file.read_of_layer(layer, (Hidden::of(model), 1e-5))
}

fn main() {}
