//! Rows of a step are gathered by tokens, as if they were positions.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rows<T: Step, M: Model>(
    cpu: &Cpu,
    x: View<f32, (T, Hidden<M>)>,
    table: View<f32, (Vocab<M>, Hidden<M>)>,
    tokens: View<Idx<Vocab<M>>, (T,)>,
) {
    x.gather(tokens);
}

fn main() {}
