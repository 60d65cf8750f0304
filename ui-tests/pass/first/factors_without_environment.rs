//! A factor says that it is an axis of `E`.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Net { width } }
axis! { struct Width<E: Environment<Net>> = |net| net.width; struct Taps = 3; }

product! { struct Windows<E: Environment<Net>> = Width<E> x Taps; }

fn main() {}
