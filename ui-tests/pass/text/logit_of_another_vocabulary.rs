//! The token is one of the same model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn judge(
    logits: &Logits<Vocab<Target>>,
    proposed: Idx<Vocab<Draft>>,
    accepted: Idx<Vocab<Target>>,
) -> Option<f32> {
    logits.get(accepted)
}

fn main() {}
