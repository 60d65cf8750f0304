//! Where scales may differ, the conversion looks at them and can refuse.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

use trine::kernels::packing::{Pq2_0, Q2_0};

fn in_groups_of_128(matrix: &Packed<Q2_0>) -> Result<Packed<Pq2_0>, PackingError> {
    matrix.convert()
}

fn main() {}
