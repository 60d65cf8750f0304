//! Tokens and embedding are of the same vocabulary.
#![allow(unused)]
use trine::prelude::*;

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn embedded<B: Axis, S: Axis>(
    cpu: &Cpu,
    tokens: View<Idx<Vocab<Draft>>, (B, S)>,
    table: &Linear<Vocab<Draft>, Hidden<Draft>>,
) {
    cpu.embed(tokens, table);
}

fn main() {}
