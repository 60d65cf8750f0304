//! A struct outlives the scope of its model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

struct App<M: Model>(M);

fn open(dims: Dims) {
    let app = Dyn::scope(dims, |model| App(model));
}

fn main() {}
