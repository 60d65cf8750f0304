//! A sequence takes its pages from the pool of another model, which have other layers and heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn sequence(
    pool: &KvPool<AttentionLayers<Draft>, KvHeads<Draft>, HeadDim<Draft>>,
) -> KvSequence<AttentionLayers<Target>, KvHeads<Target>, HeadDim<Target>> {
    pool.sequence()
}

fn main() {}
