//! A matrix of a file is given where another is wanted that has the same axes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Inputs = 4; struct Cells = 3; }
parameters! {
    struct Keeps = "keeps.weight": Weight<Matrix, Cells, Inputs>;
    struct LetsIn = "lets_in.weight": Weight<Matrix, Cells, Inputs>;
}

fn kept<T: Axis>(cpu: &Cpu, x: &Activations<T, Inputs>, keeps: &Keeps) -> Tensor<f32, (T, Cells)> {
    cpu.linear(x, keeps)
}

fn cell<T: Axis>(cpu: &Cpu, x: &Activations<T, Inputs>, keeps: &Keeps, lets_in: &LetsIn) {
    kept(cpu, x, lets_in);
}

fn main() {}
