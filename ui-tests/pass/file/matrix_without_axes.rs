//! A parameter has the axes that the program counts on.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Inputs = 4; struct Cells = 3; }
parameters! {
    struct Keeps = "keeps.weight": Weight<Matrix, Cells, Inputs>;
}

fn main() {}
