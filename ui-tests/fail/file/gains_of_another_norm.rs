//! The gains of one norm are read under the name of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Width = 4; }
parameters! {
    struct Gains = "ffn_norm.weight": RmsNorm<AttnNorm, Width>;
}

fn main() {}
