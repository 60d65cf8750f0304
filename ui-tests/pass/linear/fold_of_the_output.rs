//! The rotation is that of what the matrix takes.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Up<M> = Weight<Matrix, Ffn<M>, Normed<FfnNorm, Hidden<M>>>;
fn folded<M: Model>(up: Up<M>, fold: Fold<Hidden<M>>) -> Up<M> {
    up.with_fold(fold)
}

fn main() {}
