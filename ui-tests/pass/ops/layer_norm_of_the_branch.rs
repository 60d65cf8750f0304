//! The norm is of the stream.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

norm_role! { enum BlockNorm1 = "norm1"; }
axis! { struct Width = 12; }
fn block<T: Step>(
    cpu: &Cpu,
    residual: Residual<T, Width>,
    branch: Tensor<f32, (T, Branch<Width>)>,
    norm: &LayerNorm<BlockNorm1, Width>,
) {
    cpu.pre_layer_norm(cpu.add_branch(residual, branch), norm);
}

fn main() {}
