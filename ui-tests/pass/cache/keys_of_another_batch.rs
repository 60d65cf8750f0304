//! Cache and keys are of the same sequences.
#![allow(unused)]
use trine::prelude::*;

fn cached<'b, P: Axis, S: Axis, M: Model>(
    keys: &mut CacheBuffer<Batch<'b>, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (Batch<'b>, S, KvHeads<M>, Rotated<HeadDim<M>>)>,
    at: Plus<P, S>,
) {
    keys.append(k, at);
}

fn main() {}
