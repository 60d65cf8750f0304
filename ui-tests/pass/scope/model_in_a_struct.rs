//! A struct lives inside the scope of its model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

struct App<M: Model>(M);

fn open(dims: Dims) {
    Dyn::scope(dims, |model| { let app = App(model); });
}

fn main() {}
