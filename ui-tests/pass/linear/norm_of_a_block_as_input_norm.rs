//! A matrix has a norm of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Up<M> = Weight<Matrix, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
fn normed<M: Model>(up: Up<M>, norm: &RmsNorm<InputNorm, Hidden<M>>) -> Up<M> {
    up.with_input_norm(norm)
}

fn main() {}
