//! Two of the six axes are one.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct A = 2; struct B = 3; struct C = 4; struct D = 5; struct E = 6; struct F = 7; }

fn activated(cpu: &Cpu, x: Tensor<f32, (A, B, C, D, Flat<E, F>)>) {
    cpu.map(x, Function::Silu);
}

fn main() {}
