//! An axis has indices.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Colours = 3; }

fn main() {}
