//! Three texts of three words have one length on both axes, and nothing tells which is which.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Texts = 3; struct Words = 3; }

fn steps() {
    Uniform::whole(Fixed::<3>, Fixed::<3>);
}

fn main() {}
