//! Two scales of 64 columns are taken for one scale of 128, whatever the file has.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

use trine::kernels::packing::{Pq2_0, Q2_0};

fn in_groups_of_128(matrix: &Packed<Q2_0>) -> Result<Packed<Pq2_0>, PackingError> {
    Ok(matrix.recoded())
}

fn main() {}
