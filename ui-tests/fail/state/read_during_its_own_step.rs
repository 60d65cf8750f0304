//! The length of a sequence is read while a step that changes it is open.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn prefill<M: Model>(cpu: &Cpu, model: &Transformer<M>, state: &mut State<M>, token: Idx<Vocab<M>>) {
    let before = state.len();
    state.step(&[token], |step| { model.prefill(cpu, step); state.len() });
}

fn main() {}
