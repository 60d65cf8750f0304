//! A proof that the residual streams of two models agree is used for their vocabularies.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn accepted(
    token: Idx<Vocab<Draft>>,
    same: Same<Hidden<Draft>, Hidden<Target>>,
) -> Idx<Vocab<Target>> {
    token.relabel(same)
}

fn main() {}
