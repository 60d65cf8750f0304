#![allow(unused)]
use trine::prelude::*;

fn up<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: &Activations<B, S, Hidden<M>>,
    weight: &Linear<Ffn<M>, Hidden<M>>,
) {
    cpu.linear(x, weight);
}
fn main() {}
