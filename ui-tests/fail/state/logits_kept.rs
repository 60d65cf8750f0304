//! Logits are kept with the axis of a step that is over.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<M: Model>(cpu: &Cpu, model: &Transformer<M>, state: &mut State<M>, token: Idx<Vocab<M>>) {
    let logits = state.step(&[token], |step| model.next_logits(cpu, step));
}

fn main() {}
