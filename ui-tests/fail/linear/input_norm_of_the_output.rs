//! A matrix gets a norm of what it makes, not of what it takes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Up<M> = Weight<Matrix, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
fn normed<M: Model>(up: Up<M>, norm: &RmsNorm<InputNorm, Ffn<M>>) -> Up<M> {
    up.with_input_norm(norm)
}

fn main() {}
