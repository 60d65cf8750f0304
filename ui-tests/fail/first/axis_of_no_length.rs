//! An axis has no index.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Colours = 0; }

fn main() {}
