//! The norm of one model is applied to the residual stream of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

static_model! {
    struct Toy { vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 2, head_dim: 16, attention_layers: 2 }
}

fn attention_input<T: Axis>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<Toy>)>,
    norm: &RmsNorm<AttnNorm, Hidden<Bitnet2B4T>>,
) {
    cpu.rms_norm(x, norm);
}

fn main() {}
