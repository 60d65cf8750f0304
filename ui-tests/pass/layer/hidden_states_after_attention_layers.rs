//! Hidden states are those after blocks.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn states<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, T>,
    after: &[Idx<Blocks<M>>],
) -> Vec<Tensor<f32, (T, Hidden<M>)>> {
    model.hidden_states(cpu, step, after)
}

fn main() {}
