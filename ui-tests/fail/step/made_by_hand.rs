//! A step is made as if nothing came before it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<B: Axis, S: Axis, M: Model>(
    batch: B,
    seq: S,
    sequences: Vec<&mut KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>>,
) {
    Uniform { batch, past: Fixed::<0>, seq };
}

fn main() {}
