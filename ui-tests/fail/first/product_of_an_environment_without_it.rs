//! A product does not say which environment its factor is of.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Net { width } }
axis! { struct Width<E: Environment<Net>> = |net| net.width; struct Taps = 3; }

product! { struct Windows = Width x Taps; }

fn main() {}
