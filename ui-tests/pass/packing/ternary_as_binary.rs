//! A binary matrix is a ternary one without zeros.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

use trine::kernels::packing::{Pq2_0, Ptq1_0, Q1_0};

fn smaller(ternary: &Packed<Ptq1_0>, binary: &Packed<Q1_0>) -> Packed<Pq2_0> {
    let larger: Packed<Ptq1_0> = binary.recoded();
    binary.recoded()
}

fn main() {}
