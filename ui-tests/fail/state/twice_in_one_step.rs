//! One sequence takes part in a step twice.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn two_ways<M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    state: &mut State<M>,
    (one, two): (&[Idx<Vocab<M>>], &[Idx<Vocab<M>>]),
) {
    let mut fork = state.fork();
    let requests = vec![(&mut *state, one), (&mut *state, two)];
    State::step_together(requests, |step| model.prefill(cpu, step));
}

fn main() {}
