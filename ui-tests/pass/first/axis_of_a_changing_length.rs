//! The length of an axis is a constant.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(3);
axis! { struct Rows = 3; }

fn main() {}
