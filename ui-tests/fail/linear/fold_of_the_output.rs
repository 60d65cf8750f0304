//! A matrix is folded with the rotation of what it makes, not of what it takes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Up<M> = Weight<Matrix, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
fn folded<M: Model>(up: Up<M>, fold: Fold<Ffn<M>>) -> Up<M> {
    up.with_fold(fold)
}

fn main() {}
