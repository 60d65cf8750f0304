//! Binary weights have a bound of their own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

use trine::kernels::packing::{Binary, Coded, Q1_0, Ternary};

fn share_of_zeros<P: Ternary>(matrix: &Packed<P>, row: &mut [u8]) -> f32 {
    matrix.row_codes(0, row);
    row.iter().filter(|code| **code == 1).count() as f32 / row.len() as f32
}

fn share_of_ones<P: Binary>(matrix: &Packed<P>, row: &mut [u8]) -> f32 {
    matrix.row_codes(0, row);
    row.iter().filter(|code| **code == 2).count() as f32 / row.len() as f32
}

fn of_bonsai(matrix: &Packed<Q1_0>, row: &mut [u8]) -> f32 {
    share_of_ones(matrix, row)
}

fn main() {}
