//! Queries and gates together are taken for queries.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Step, M: Model>(
    cpu: &Cpu,
    both: Tensor<f32, (T, GatedQWidth<M>)>,
) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    both.split()
}

fn main() {}
