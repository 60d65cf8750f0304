//! Recent tokens are of the vocabulary of the logits.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn choose<Draft: Model, Target: Model>(
    chain: &mut SamplerChain,
    logits: &Logits<Vocab<Target>>,
    proposed: &[Idx<Vocab<Draft>>],
    accepted: &[Idx<Vocab<Target>>],
) -> Result<Idx<Vocab<Target>>, SamplerError> {
    chain.choose(logits, accepted)
}

fn main() {}
