//! The row that stands for a text is taken of the stream, without the last norm.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Stream<T, M> = Tensor<f32, (T, Hidden<M>)>;
type Gains<M> = RmsNorm<OutputNorm, Hidden<M>>;
fn embed<T: Step, M: Model>(cpu: &Cpu, x: Stream<T, M>, norm: &Gains<M>) {
    cpu.pool(x, Pooling::Mean);
}

fn main() {}
