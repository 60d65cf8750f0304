//! Keys enter the cache before they are rotated to their positions.
#![allow(unused)]
use trine::prelude::*;

fn cached<B: Axis, P: Axis, S: Axis, M: Model>(
    keys: &mut CacheBuffer<B, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (B, S, KvHeads<M>, HeadDim<M>)>,
    at: Plus<P, S>,
) {
    keys.append(k, at);
}

fn main() {}
