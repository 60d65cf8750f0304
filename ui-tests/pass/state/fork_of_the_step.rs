//! A fork has steps of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn two_ways<M: Model>(cpu: &Cpu, model: &Transformer<M>, state: &mut State<M>, token: Idx<Vocab<M>>) {
    let mut fork = state.fork();
    state.step(&[token], |step| {
        fork.step(&[token], |forks| {
            model.prefill(cpu, step);
            model.prefill(cpu, forks);
        })
    });
}

fn main() {}
