//! Queries are declared to be rotated.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn queries<T: Step, M: Model>(
    cpu: &Cpu,
    q: Tensor<f32, (T, Heads<M>, HeadDim<M>)>,
    of_one: Vec<f32>,
    rope: &Rope<HeadDim<M>>,
) {
    let (_, heads, head) = q.shape();
    let rotated = Tensor::from_data((heads, Rotated::<_>::of(head)), of_one);
}

fn main() {}
