//! The width of a head is even.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

static_model! {
    struct Toy { vocab: 64, hidden: 32, ffn: 96, heads: 4, kv_heads: 2, head_dim: 16, attention_layers: 2 }
}

fn main() {}
