//! The positions before the step are known before it is opened.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn prefill<M: Model>(cpu: &Cpu, model: &Transformer<M>, state: &mut State<M>, token: Idx<Vocab<M>>) {
    let before = state.len();
    state.step(&[token], |step| { model.prefill(cpu, step); before });
}

fn main() {}
