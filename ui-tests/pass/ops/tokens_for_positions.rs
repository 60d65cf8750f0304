//! A row for each token is in the embedding.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn rows<T: Step, M: Model>(
    cpu: &Cpu,
    x: View<f32, (T, Hidden<M>)>,
    table: View<f32, (Vocab<M>, Hidden<M>)>,
    tokens: View<Idx<Vocab<M>>, (T,)>,
) {
    table.gather(tokens);
}

fn main() {}
