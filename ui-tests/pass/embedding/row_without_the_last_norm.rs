//! It is taken of what the last norm makes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Stream<T, M> = Tensor<f32, (T, Hidden<M>)>;
type Gains<M> = RmsNorm<OutputNorm, Hidden<M>>;
fn embed<T: Step, M: Model>(cpu: &Cpu, x: Stream<T, M>, norm: &Gains<M>) {
    cpu.pool(cpu.rms_norm(x, norm), Pooling::Mean);
}

fn main() {}
