//! Heads and the width of one head change places in a row of numbers.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn dims() -> Result<Dims, DimsError> {
    let (vocab, hidden, ffn, heads, kv_heads, head_dim, attention_layers) = (64, 32, 96, 4, 2, 16, 2);
    Dims::new(vocab, hidden, ffn, head_dim, kv_heads, heads, attention_layers)
}

fn main() {}
