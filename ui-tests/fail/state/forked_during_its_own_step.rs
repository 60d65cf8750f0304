//! A sequence is forked while its own step is open: the fork would have half of the keys.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn prefill<M: Model>(cpu: &Cpu, model: &Transformer<M>, state: &mut State<M>, token: Idx<Vocab<M>>) {
    let fork = state.fork();
    state.step(&[token], |step| { model.prefill(cpu, step); state.fork() });
}

fn main() {}
