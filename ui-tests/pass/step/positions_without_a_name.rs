//! Positions have a name.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Texts = 3; struct Words = 3; }

fn steps() {
    Uniform::whole(Texts, Words);
}

fn main() {}
