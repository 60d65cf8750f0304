//! The norm of the feed-forward network stands before the query projection; both norms have one width.
#![allow(unused)]
use trine::prelude::*;

fn queries<B: Axis, S: Axis, M: Model>(
    cpu: &Cpu,
    x: View<f32, (B, S, Hidden<M>)>,
    norm: &RmsNorm<FfnNorm, Hidden<M>>,
    query: &Linear<QWidth<M>, Normed<AttnNorm, Hidden<M>>>,
) -> Tensor<f32, (B, S, QWidth<M>)> {
    let h = Activations::new(cpu.rms_norm(x, norm));
    cpu.linear(&h, query)
}

fn main() {}
