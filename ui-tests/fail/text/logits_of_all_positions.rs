//! The logits of all positions are taken for those that follow the text.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn next<T: Step, M: Model>(
    logits: Tensor<f32, (T, Vocab<M>)>,
    of_last: Tensor<f32, (Vocab<M>,)>,
) -> Logits<Vocab<M>> {
    Logits::dense(logits)
}

fn main() {}
