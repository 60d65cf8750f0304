//! Norm and residual stream are of the same model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

static_model! {
    struct Toy { vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 2, head_dim: 16, attention_layers: 2 }
}

fn attention_input<T: Axis>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Hidden<Toy>)>,
    norm: &RmsNorm<AttnNorm, Hidden<Toy>>,
) {
    cpu.rms_norm(x, norm);
}

fn main() {}
