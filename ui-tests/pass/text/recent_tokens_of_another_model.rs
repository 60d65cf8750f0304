//! Recent tokens are of the vocabulary of the logits.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn choose(
    chain: &mut SamplerChain,
    logits: &Logits<Vocab<Target>>,
    proposed: &[Idx<Vocab<Draft>>],
    accepted: &[Idx<Vocab<Target>>],
) -> Result<Idx<Vocab<Target>>, SamplerError> {
    chain.choose(logits, accepted)
}

fn main() {}
