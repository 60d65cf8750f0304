//! Rotated heads are normalised by gains for all of them together.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Queries<T, M> = Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>;
fn normed<T: Step, M: Model>(cpu: &Cpu, q: Queries<T, M>, norm: &RmsNorm<QueryNorm, QWidth<M>>) {
    cpu.rotated_head_norm(q, norm);
}

fn main() {}
