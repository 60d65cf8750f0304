//! Earlier positions come first, then those of the step.
#![allow(unused)]
use trine::prelude::*;

fn cached<'p, 's, B: Axis, M: Model>(
    keys: &mut CacheBuffer<B, KvHeads<M>, Rotated<HeadDim<M>>>,
    k: View<f32, (B, Seq<'s>, KvHeads<M>, Rotated<HeadDim<M>>)>,
    at: Plus<Past<'p>, Seq<'s>>,
) {
    keys.append(k, at);
}

fn main() {}
