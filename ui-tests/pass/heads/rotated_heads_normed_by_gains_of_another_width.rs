//! Each head has the gains of a head.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Queries<T, M> = Tensor<f32, (T, Heads<M>, Rotated<HeadDim<M>>)>;
fn normed<T: Step, M: Model>(cpu: &Cpu, q: Queries<T, M>, norm: &RmsNorm<QueryNorm, HeadDim<M>>) {
    cpu.rotated_head_norm(q, norm);
}

fn main() {}
