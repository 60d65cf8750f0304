//! A parameter is a matrix of whatever axes its file has.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Inputs = 4; struct Cells = 3; }
parameters! {
    struct Keeps = "keeps.weight": Matrix;
}

fn main() {}
