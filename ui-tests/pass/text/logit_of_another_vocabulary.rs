//! The token is one of the same model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn judge<M: Model, N: Model>(
    logits: &Logits<Vocab<M>>,
    proposed: Idx<Vocab<N>>,
    accepted: Idx<Vocab<M>>,
) -> Option<f32> {
    logits.get(accepted)
}

fn main() {}
