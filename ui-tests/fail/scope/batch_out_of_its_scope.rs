//! An axis leaves the scope that made it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn sequences() {
    let batch = Batch::scope(3, |batch| batch);
}

fn main() {}
