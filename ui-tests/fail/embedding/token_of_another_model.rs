//! Tokens of one model are looked up in the embedding of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn embedded<T: Axis>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<Draft>>, (T,)>,
    table: &Embedding<Matrix, Vocab<Target>, Hidden<Target>>,
) {
    cpu.embed(tokens, table);
}

fn main() {}
