//! A ternary matrix is written as a binary one, which has no weight 0.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

use trine::kernels::packing::{Pq2_0, Ptq1_0, Q1_0};

fn smaller(ternary: &Packed<Ptq1_0>, binary: &Packed<Q1_0>) -> Packed<Pq2_0> {
    let smallest: Packed<Q1_0> = ternary.recoded();
    binary.recoded()
}

fn main() {}
