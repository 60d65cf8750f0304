//! A declared model has heads of odd width, but rotation turns pairs.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

static_model! {
    struct Toy { vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 2, head_dim: 15, attention_layers: 2 }
}

fn main() {}
