//! The gains of a layer are read by a number that no layer need have.
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
    file.read_of_layer(3, (Hidden::of(model), 1e-5))
}

fn main() {}
