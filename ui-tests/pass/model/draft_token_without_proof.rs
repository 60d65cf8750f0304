//! One check of both vocabularies is the proof, and with it a token passes from one to the other.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn verify(
    state: &mut State<Target>,
    token: Idx<Vocab<Draft>>,
    shared: Same<Vocab<Draft>, Vocab<Target>>,
) {
    state.step(&[token.relabel(shared)], |step| step.axis().len());
}

fn main() {}
