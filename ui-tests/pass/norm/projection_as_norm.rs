//! A norm is a norm and not a matrix.
#![allow(unused)]
use trine::prelude::*;

fn attention_input<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: View<f32, (B, S, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
    query: &Linear<Hidden<M>, Hidden<M>>,
) {
    cpu.rms_norm(x, norm);
}

fn main() {}
