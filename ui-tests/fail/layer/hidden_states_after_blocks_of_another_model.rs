//! The residual stream of a model is asked for after the blocks of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn states<T: Step>(
    cpu: &Cpu,
    model: &Transformer<Draft>,
    step: StepInput<Draft, T>,
    after: &[Idx<Blocks<Target>>],
) {
    model.hidden_states(cpu, step, after);
}

fn main() {}
