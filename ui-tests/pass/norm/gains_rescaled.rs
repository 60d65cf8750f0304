//! Gains are what the file holds.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn first_gain<M: Model>(norm: &RmsNorm<AttnNorm, Hidden<M>>) {
    let gains = norm.gain().data();
    let first = gains[0];
}

fn main() {}
