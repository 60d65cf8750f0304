//! A token of a small draft model is given to the target model as if their vocabularies were known to agree.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn verify(
    state: &mut State<Target>,
    token: Idx<Vocab<Draft>>,
    shared: Same<Vocab<Draft>, Vocab<Target>>,
) {
    state.step(&[token], |step| step.axis().len());
}

fn main() {}
