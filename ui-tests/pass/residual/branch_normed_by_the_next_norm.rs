//! A norm of a branch has a role of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

norm_role! { enum AfterAttn: BranchNorm = "post_attn_norm"; }

fn branch<T: Axis, M: Model>(
    cpu: &Cpu,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
    before_ffn: &RmsNorm<FfnNorm, Hidden<M>>,
    after_attn: &RmsNorm<AfterAttn, Hidden<M>>,
) {
    cpu.branch_norm(branch, after_attn);
}

fn main() {}
