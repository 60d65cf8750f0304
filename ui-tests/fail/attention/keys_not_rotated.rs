//! Keys enter the cache before they are rotated to their positions.
#![allow(unused)]
use trine::prelude::*;

fn cached<T: Step, M: Model>(
    keys: &mut CacheBuffer<B, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (T, KvHeads<M>, HeadDim<M>)>,
    at: Plus<P, S>,
) {
    keys.append(k, at);
}

fn main() {}
