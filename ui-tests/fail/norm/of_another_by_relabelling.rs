//! What one norm has made is relabelled as if another had made it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn before_ffn<T: Axis, M: Model>(
    cpu: &Cpu,
    model: M,
    h: Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)>,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<FfnNorm, Hidden<M>>,
) -> Option<Tensor<f32, (T, Normed<FfnNorm, Hidden<M>>)>> {
    Some(h.relabel(Normed::of(Hidden::of(model)), Same::check(h.shape().1, Normed::of(Hidden::of(model))).ok()?))
}

fn main() {}
