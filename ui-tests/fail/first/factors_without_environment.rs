//! No factor of the product says whose axis it is.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Net { width } }
axis! { struct Width<E: Environment<Net>> = |net| net.width; struct Taps = 3; }

product! { struct Windows<E: Environment<Net>> = Width x Taps; }

fn main() {}
