//! Each text has one row, and that has the length 1.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Final<T, M> = Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)>;
fn embed<T: Step, M: Model>(cpu: &Cpu, x: Final<T, M>) {
    cpu.unit_rows(cpu.pool(x, Pooling::Last));
}

fn main() {}
