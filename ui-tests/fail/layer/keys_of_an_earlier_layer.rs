//! Queries meet keys of an earlier layer, after the next one has appended its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Caches<'c, T, M> = KvStep<'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;
type Keys<'k, T, M> = View<'k, f32, (T, KvHeads<M>, Rotated<HeadDim<M>>)>;
type Values<'v, T, M> = View<'v, f32, (T, KvHeads<M>, Value<HeadDim<M>>)>;
type Queries<'q, T, M> = View<'q, f32, (T, Heads<M>, Rotated<HeadDim<M>>)>;

fn attended<T: Step, M: Model>(
    cpu: &Cpu,
    mut caches: Caches<T, M>,
    [one, two]: [Idx<AttentionLayers<M>>; 2],
    (q, k, v): (Queries<T, M>, Keys<T, M>, Values<T, M>),
) {
    let earlier = caches.layer(one).append(k, v);
    let cached = caches.layer(two).append(k, v);
    cpu.attention(q, &earlier);
}

fn main() {}
