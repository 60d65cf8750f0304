//! The blocks are those of the model that takes the step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn states<T: Step>(
    cpu: &Cpu,
    model: &Transformer<Draft>,
    step: StepInput<Draft, T>,
    after: &[Idx<Blocks<Draft>>],
) {
    model.hidden_states(cpu, step, after);
}

fn main() {}
