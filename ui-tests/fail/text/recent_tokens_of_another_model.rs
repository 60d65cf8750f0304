//! Tokens of the draft are penalised in the logits of the target.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn choose<Draft: Model, Target: Model>(
    chain: &mut SamplerChain,
    logits: &Logits<Vocab<Target>>,
    proposed: &[Idx<Vocab<Draft>>],
    accepted: &[Idx<Vocab<Target>>],
) -> Result<Idx<Vocab<Target>>, SamplerError> {
    chain.choose(logits, proposed)
}

fn main() {}
