//! A length leaves the scope of an axis.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn sequences() {
    let batch = Batch::scope(3, |batch| batch.len());
}

fn main() {}
