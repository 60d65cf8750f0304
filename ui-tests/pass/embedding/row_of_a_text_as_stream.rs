//! Blocks take the stream of tokens.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Stream<T, M> = Tensor<f32, (T, Hidden<M>)>;
type Rows<T, M> = Tensor<f32, (Sequences<T>, Pooled<Hidden<M>>)>;
type Gains<M> = RmsNorm<AttnNorm, Hidden<M>>;
fn block<T: Step, M: Model>(cpu: &Cpu, x: Stream<T, M>, norm: &Gains<M>) {
    cpu.pre_norm(x, norm);
}

fn main() {}
