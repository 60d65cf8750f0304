//! Keys of one sequence are put into the cache of a batch.
#![allow(unused)]
use trine::prelude::*;

fn cached<'b, P: Axis, S: Axis, M: Model>(
    keys: &mut CacheBuffer<Batch<'b>, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (Fixed<1>, S, KvHeads<M>, Rotated<HeadDim<M>>)>,
    at: Plus<P, S>,
) {
    keys.append(k, at);
}

fn main() {}
