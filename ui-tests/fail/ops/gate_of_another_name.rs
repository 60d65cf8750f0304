//! What one gate of a cell makes is used as another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Inputs = 3; struct Cells = 4; }
role! { struct Forget<A>: Made; struct Admit<A>: Made; }

fn forgotten<T: Axis>(gate: Tensor<f32, (T, Forget<Cells>)>) {}

fn cell<T: Axis>(
    cpu: &Cpu,
    x: &Activations<T, Inputs>,
    forget: &Weight<Matrix, Forget<Cells>, Inputs>,
    admit: &Weight<Matrix, Admit<Cells>, Inputs>,
) {
    forgotten(cpu.linear(x, admit));
}

fn main() {}
