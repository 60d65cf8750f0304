//! Models of run-time dimensions are collected in a list.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn models(files: Vec<Dims>) {
    let mut models = Vec::new();
    for dims in files {
        Dyn::scope(dims, |model| models.push(model));
    }
}

fn main() {}
