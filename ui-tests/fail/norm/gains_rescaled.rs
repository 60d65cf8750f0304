//! The gains of a norm are rescaled, as if their size were a mistake of the file.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn first_gain<M: Model>(norm: &RmsNorm<AttnNorm, Hidden<M>>) {
    let gains = norm.gain().data();
    gains[0] *= 50.0;
}

fn main() {}
