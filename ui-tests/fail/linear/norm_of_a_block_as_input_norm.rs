//! The norm of the block is taken for that of a matrix alone.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Up<M> = Weight<Matrix, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
fn normed<M: Model>(up: Up<M>, norm: &RmsNorm<FfnNorm, Hidden<M>>) -> Up<M> {
    up.with_input_norm(norm)
}

fn main() {}
