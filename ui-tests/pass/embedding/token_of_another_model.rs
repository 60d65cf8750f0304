//! Tokens and embedding are of the same vocabulary.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn embedded<T: Axis>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<Draft>>, (T,)>,
    table: &Embedding<Matrix, Vocab<Draft>, Hidden<Draft>>,
) {
    cpu.embed(tokens, table);
}

fn main() {}
