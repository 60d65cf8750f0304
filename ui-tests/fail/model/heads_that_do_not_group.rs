//! A declared model has 4 query heads over 3 key/value heads.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

static_model! {
    struct Toy { vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 3, head_dim: 16, attention_layers: 2 }
}

fn main() {}
