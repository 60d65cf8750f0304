//! A parameter is read with the axes that it was declared with.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Inputs = 4; struct Cells = 3; }
parameters! {
    struct Keeps = "keeps.weight": Weight<Matrix, Cells, Inputs>;
    struct LetsIn = "lets_in.weight": Weight<Matrix, Cells, Inputs>;
}

fn read(file: &mut Parameters) -> Result<Keeps, LoadError> {
    file.read((Cells, Inputs))
}

fn main() {}
