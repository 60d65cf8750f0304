//! Attention without a cache gets the values where the keys belong.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Words = 7; struct Heads2 = 2; struct Width = 6; }
fn attended(
    cpu: &Cpu,
    q: Tensor<f32, (Words, Heads2, Width)>,
    k: Tensor<f32, (Words, Heads2, Width)>,
    v: Tensor<f32, (Words, Heads2, Value<Width>)>,
) {
    cpu.attend(q.view(), v.view(), k.view());
}

fn main() {}
