//! Tests of what lies across the files of this room: chains of filters and samplers. Those of one file are in it.

mod direct;
mod penalties;
mod sampling;
mod sparse;

use super::{Candidates, Sampler, SamplerChain, SamplerError};
use crate::network::Logits;

/// The token that a chain chooses from the logits of all tokens.
fn sample(chain: &mut SamplerChain, logits: &[f32], recent: &[u32]) -> Result<u32, SamplerError> {
    chain.sample(&mut Candidates::new(&Logits::dense(logits.to_vec()))?, recent)
}
