//! The logits of one sequence are returned for those of a batch.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<'b, P: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    step: StepInput<M, Uniform<Fixed<1>, P, S>>,
) -> Tensor<f32, (Batch<'b>, Vocab<M>)> {
    model.next_logits(cpu, step).batched()
}

fn main() {}
