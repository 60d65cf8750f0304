//! A branch goes through the norm that stands before the next one.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

norm_role! { enum AfterAttn: BranchNorm = "post_attn_norm"; }

fn branch<T: Axis, M: Model>(
    cpu: &Cpu,
    branch: Tensor<f32, (T, Branch<Hidden<M>>)>,
    before_ffn: &RmsNorm<FfnNorm, Hidden<M>>,
    after_attn: &RmsNorm<AfterAttn, Hidden<M>>,
) {
    cpu.branch_norm(branch, before_ffn);
}

fn main() {}
