//! The packing of the matrix is the one that is read.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};
use trine::kernels::packing::{I2S, Tq2_0};

fn count_of_ones(weight: &Packed<I2S>, row: &mut [u8]) -> usize {
    weight.row_codes(0, row);
    row.iter().filter(|code| **code == 2).count()
}

fn ones_of_tq2_0(weight: &Packed<I2S>, row: &mut [u8]) -> usize {
    count_of_ones(weight, row)
}

fn main() {}
