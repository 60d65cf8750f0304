//! The state is that of a sequence of the same model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn prefill(
    cpu: &Cpu,
    model: &Transformer<Target>,
    state: &mut State<Target>,
    prompt: &[Idx<Vocab<Target>>],
) {
    state.step(prompt, |step| model.prefill(cpu, step));
}

fn main() {}
