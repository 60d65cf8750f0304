//! Values are rotated like keys; only queries and keys carry positions.
#![allow(unused)]
use trine::prelude::*;

fn cached<T: Step, M: Model>(
    values: &mut CacheBuffer<B, KvHeads<M>, Value<HeadDim<M>>>,
    v: View<f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>,
    at: Plus<P, S>,
) {
    values.append(v, at);
}

fn main() {}
