//! Pool and sequence have the axes of one model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn sequence(
    pool: &KvPool<AttentionLayers<Target>, KvHeads<Target>, HeadDim<Target>>,
) -> KvSequence<AttentionLayers<Target>, KvHeads<Target>, HeadDim<Target>> {
    pool.sequence()
}

fn main() {}
