//! Tokens of one model are looked up in the embedding of another.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn embedded<T: Axis>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<Draft>>, (T,)>,
    table: &Weight<Matrix, Vocab<Target>, Hidden<Target>>,
) {
    cpu.embed(tokens, table);
}

fn main() {}
