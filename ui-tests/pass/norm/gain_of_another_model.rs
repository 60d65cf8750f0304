//! Norm and residual stream are of the same model.
#![allow(unused)]
use trine::prelude::*;

static_model! {
    struct Toy { vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 2, head_dim: 16 }
}

fn attention_input<B: Axis, S: Axis>(
    cpu: &Cpu,
    x: View<f32, (B, S, Hidden<Toy>)>,
    norm: &RmsNorm<AttnNorm, Hidden<Toy>>,
) {
    cpu.rms_norm(x, norm);
}

fn main() {}
