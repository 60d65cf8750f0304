//! The target is asked for the logit of a token of the draft.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn judge<M: Model, N: Model>(
    logits: &Logits<Vocab<M>>,
    proposed: Idx<Vocab<N>>,
    accepted: Idx<Vocab<M>>,
) -> Option<f32> {
    logits.get(proposed)
}

fn main() {}
