//! One check of both vocabularies is the proof, and with it a token passes from one to the other.
#![allow(unused)]
use trine::prelude::*;

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn verify(
    cache: &mut KvCache<Target, Fixed<1>>,
    token: Idx<Vocab<Draft>>,
    shared: Same<Vocab<Draft>, Vocab<Target>>,
) {
    cache.step(&[token.relabel(shared)], |step| step.positions().len());
}

fn main() {}
