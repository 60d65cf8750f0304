//! Values have a role of their own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Words = 7; struct Heads2 = 2; struct Width = 6; }
fn attended(
    cpu: &Cpu,
    q: Tensor<f32, (Words, Heads2, Width)>,
    k: Tensor<f32, (Words, Heads2, Width)>,
    v: Tensor<f32, (Words, Heads2, Value<Width>)>,
) {
    cpu.attend(q.view(), k.view(), v.view());
}

fn main() {}
