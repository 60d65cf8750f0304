//! Positions of the step are given as those before it.
#![allow(unused)]
use trine::prelude::*;

fn cached<'p, 's, B: Axis, M: Model>(
    keys: &mut CacheBuffer<B, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (B, Seq<'s>, KvHeads<M>, Rotated<HeadDim<M>>)>,
    at: Plus<Seq<'s>, Past<'p>>,
) {
    keys.append(k, at);
}

fn main() {}
