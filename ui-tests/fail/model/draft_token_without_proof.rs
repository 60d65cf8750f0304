//! A token of a small draft model is given to the target model as if their vocabularies were known to agree.
#![allow(unused)]
use trine::prelude::*;

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn verify(
    cache: &mut KvCache<Target, Fixed<1>>,
    token: Idx<Vocab<Draft>>,
    shared: Same<Vocab<Draft>, Vocab<Target>>,
) {
    cache.step(&[token], |step| step.positions().len());
}

fn main() {}
