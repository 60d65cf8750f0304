//! Values enter the cache as they are.
#![allow(unused)]
use trine::prelude::*;

fn cached<B: Axis, P: Axis, S: Axis, M: Model>(
    values: &mut CacheBuffer<B, KvHeads<M>, HeadDim<M>>,
    v: View<f32, (B, S, KvHeads<M>, HeadDim<M>)>,
    at: Plus<P, S>,
) {
    values.append(v, at);
}

fn main() {}
