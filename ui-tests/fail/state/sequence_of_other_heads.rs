//! A cache of query heads takes a step with one of key/value heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn together<M: Model>(
    one: &mut KvSequence<AttentionLayers<M>, KvHeads<M>, HeadDim<M>>,
    two: &mut KvSequence<AttentionLayers<M>, Heads<M>, HeadDim<M>>,
) {
    KvSequence::step(vec![one, two], &[1, 1], |caches| caches.commit());
}

fn main() {}
