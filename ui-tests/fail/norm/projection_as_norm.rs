//! The weights of a projection are given as the gains of a norm.
#![allow(unused)]
use trine::prelude::*;

fn attention_input<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: View<f32, (B, S, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Linear<Hidden<M>, Hidden<M>>,
) {
    cpu.rms_norm(x, query);
}

fn main() {}
