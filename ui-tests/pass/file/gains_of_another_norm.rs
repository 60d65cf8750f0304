//! Gains are read under the name of their norm.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Width = 4; }
parameters! {
    struct Gains = "attn_norm.weight": RmsNorm<AttnNorm, Width>;
}

fn main() {}
