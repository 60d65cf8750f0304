//! A step is made as if nothing came before it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<M: Model>(
    batch: Batch,
    seq: Seq,
    sequences: Vec<&mut KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>>,
) {
    Uniform { batch, past: Fixed::<0>, seq };
}

fn main() {}
