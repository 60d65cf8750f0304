//! A file is read by the type that it has.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

use trine::kernels::packing::{BF16, F16};
axis! { struct Inputs = 4; struct Cells = 3; }
parameters! {
    struct Keeps = "keeps.weight": Weight<Packed<BF16>, Cells, Inputs>;
}

fn rows(halves: &Weight<Packed<F16>, Cells, Inputs>) {}
fn brain_rows(brain: &Weight<Packed<BF16>, Cells, Inputs>) {}

fn decode(keeps: &Keeps) {
    brain_rows(keeps)
}

fn main() {}
