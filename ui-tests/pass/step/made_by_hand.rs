//! The sequences make the step, behind as many positions as they have.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rotated<M: Model>(
    batch: Batch,
    seq: Seq,
    sequences: Vec<&mut KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>>,
) {
    KvSequence::step_of_batch(sequences, batch, seq, |caches| drop(caches));
}

fn main() {}
