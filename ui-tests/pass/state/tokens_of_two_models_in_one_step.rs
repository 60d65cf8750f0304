//! Each sequence brings tokens of its own model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn together(
    cpu: &Cpu,
    model: &Transformer<Target>,
    (one, tokens): (&mut State<Target>, &[Idx<Vocab<Target>>]),
    (two, more): (&mut State<Target>, &[Idx<Vocab<Target>>]),
) {
    State::step_together(vec![(one, tokens), (two, more)], |step| model.prefill(cpu, step));
}

fn main() {}
