//! A model takes a step that was opened on the state of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn prefill(
    cpu: &Cpu,
    model: &Transformer<Draft>,
    state: &mut State<Target>,
    prompt: &[Idx<Vocab<Target>>],
) {
    state.step(prompt, |step| model.prefill(cpu, step));
}

fn main() {}
