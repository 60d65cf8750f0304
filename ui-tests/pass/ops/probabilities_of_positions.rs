//! Weights and values have the same positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Words = 7; struct Patches = 9; struct Width = 12; }
fn mixed(
    cpu: &Cpu,
    weights: Tensor<f32, (Words, Patches)>,
    of_words: Tensor<f32, (Words, Width)>,
    of_patches: Tensor<f32, (Patches, Width)>,
) {
    cpu.matrix_product(weights.view(), of_patches.view());
}

fn main() {}
