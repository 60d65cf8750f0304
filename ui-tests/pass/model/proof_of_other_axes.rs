//! The proof is about the vocabularies.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn accepted(
    token: Idx<Vocab<Draft>>,
    same: Same<Vocab<Draft>, Vocab<Target>>,
) -> Idx<Vocab<Target>> {
    token.relabel(same)
}

fn main() {}
