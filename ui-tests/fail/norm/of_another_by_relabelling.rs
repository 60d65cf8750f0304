//! What one norm has made is relabelled as if another had made it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn before_ffn<T: Axis, M: Model>(
    cpu: &Cpu,
    h: Tensor<f32, (T, Normed<AttnNorm, Hidden<M>>)>,
    x: Tensor<f32, (T, Hidden<M>)>,
    norm: &RmsNorm<FfnNorm, Hidden<M>>,
    (of_ffn, same): (Normed<FfnNorm, Hidden<M>>, Same<Hidden<M>, Hidden<M>>),
) {
    h.relabel(of_ffn, same);
}

fn main() {}
