#![allow(unused)]
use trine::prelude::*;

fn embedded<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<M>>, (B, S)>,
    table: &Linear<Hidden<M>, Vocab<M>>,
) {
    cpu.embed(tokens, table);
}
fn main() {}
