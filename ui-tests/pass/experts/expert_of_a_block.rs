//! The weights of an expert are looked up by its index.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn network<M: Model>(mixture: &MixtureOfExperts<M>, block: Idx<Blocks<M>>, expert: Idx<Experts<M>>) -> &SwiGlu<M> {
    &mixture.experts[expert]
}

fn main() {}
