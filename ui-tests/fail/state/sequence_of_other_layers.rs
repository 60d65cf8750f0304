//! Sequences whose keys and values have different layers take a step together.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn together<M: Model>(
    one: &mut KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    two: &mut KvSequence<Blocks<M>, KvHeads<M>, HeadDim<M>>,
) {
    KvSequence::step(vec![one, two], &[1, 1], |caches| caches.commit());
}

fn main() {}
