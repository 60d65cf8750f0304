//! Queries and gates are taken apart.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Step, M: Model>(
    cpu: &Cpu,
    both: Tensor<f32, (T, GatedQWidth<M>)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    cpu.queries_and_gates(both).0
}

fn main() {}
