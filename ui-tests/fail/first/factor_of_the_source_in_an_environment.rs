//! A factor in the source is written as if an environment gave its length.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Net { width } }
axis! { struct Width<E: Environment<Net>> = |net| net.width; struct Taps = 3; }

product! { struct Windows<E: Environment<Net>> = Width<E> x Taps<E>; }

fn main() {}
