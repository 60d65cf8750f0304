//! The residual stream is added once before the feed-forward network and once more after it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn block<T: Axis, M: Model>(
    cpu: &Cpu,
    residual: Residual<T, Hidden<M>>,
    attended: Tensor<f32, (T, Branch<Hidden<M>>)>,
    ffn_norm: &RmsNorm<FfnNorm, Hidden<M>>,
    feed_forward: impl Fn(Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>) -> Tensor<f32, (T, Branch<Hidden<M>>)>,
) {
    let (h, of_ffn) = cpu.pre_norm(cpu.add_branch(residual, attended), ffn_norm);
    cpu.add_branch(residual, feed_forward(h));
}

fn main() {}
