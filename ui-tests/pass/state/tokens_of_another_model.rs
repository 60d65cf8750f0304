//! Tokens and state are of one model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn verified(
    cpu: &Cpu,
    model: &Transformer<Target>,
    state: &mut State<Target>,
    tokens: &[Idx<Vocab<Target>>],
) {
    state.step(tokens, |step| model.prefill(cpu, step));
}

fn main() {}
