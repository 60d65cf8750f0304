//! The residual stream is asked for after attention layers, but it is there after each block.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn states<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, T>,
    after: &[Idx<AttentionLayers<M>>],
) -> Vec<Tensor<f32, (T, Hidden<M>)>> {
    model.hidden_states(cpu, step, after)
}

fn main() {}
