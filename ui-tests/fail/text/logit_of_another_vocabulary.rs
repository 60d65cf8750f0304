//! The target is asked for the logit of a token of the draft.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn judge(
    logits: &Logits<Vocab<Target>>,
    proposed: Idx<Vocab<Draft>>,
    accepted: Idx<Vocab<Target>>,
) -> Option<f32> {
    logits.get(proposed)
}

fn main() {}
