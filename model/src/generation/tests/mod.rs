//! Tests of what lies across the files of this room: chains of filters and samplers. Those of one file are in it.

mod direct;
mod penalties;
mod sampling;
mod sparse;

use super::{Candidates, Sampler, SamplerChain, SamplerError};
use crate::network::Logits;
use trine_shapes::{Axis, Tensor};

/// A vocabulary of so many words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub usize);

impl Axis for Words {
    const NAME: &'static str = "Words";
    type Buf<T: Copy + Default> = Vec<T>;

    fn len(self) -> usize {
        self.0
    }

    fn buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.0]
    }
}

impl trine_shapes::Plain for Words {}
impl trine_shapes::Roleless for Words {}

/// The logits of all words.
pub(super) fn dense(values: &[f32]) -> Logits<Words> {
    Logits::dense(Tensor::from_data((Words(values.len()),), values))
}

/// The token that a chain chooses from the logits of all tokens.
fn sample(chain: &mut SamplerChain, logits: &[f32], recent: &[u32]) -> Result<u32, SamplerError> {
    chain.sample(&mut Candidates::new(&dense(logits))?, recent)
}
