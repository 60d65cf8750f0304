//! The cache of keys takes rotated keys.
#![allow(unused)]
use trine::prelude::*;

fn cached<T: Step, M: Model>(
    keys: &mut CacheBuffer<B, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    at: Plus<P, S>,
) {
    keys.append(k, at);
}

fn main() {}
