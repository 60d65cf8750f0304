//! The keys of a GGUF file that scale what a model computes.
//!
//! What belongs here: reading these keys. What does not: what the numbers mean ([`Scales`]).

use super::Keys;
use crate::description::{ConfigError, ScaledBy, Scales};

/// `E`, `S` and `L` of [`Scales`].
pub(super) const KEYS: [&str; 3] = ["embedding_scale", "residual_scale", "logit_scale"];

impl Keys<'_> {
    /// The scales of a model with so many blocks.
    ///
    /// Where a file has no `logit_scale`, programs disagree: HF's models divide by `hidden / 256`, llama.cpp 0.5.0 by
    /// the inverse. This follows HF's; the order of the logits is the same.
    pub(super) fn scales(&self, blocks: usize, hidden: usize) -> Result<Scales, ConfigError> {
        let by = self.architecture.graph().scales;
        if by != ScaledBy::Numbers {
            return Ok(Scales::of_hidden(by, hidden));
        }
        let absent = Scales::of_first_minicpm(blocks, hidden);
        let [embedding, residual, logits] = KEYS;
        Ok(Scales {
            embedding: self.positive(embedding, Some(absent.embedding))?,
            residual: self.positive(residual, Some(absent.residual))?,
            logits: self.positive(logits, Some(absent.logits))?,
        })
    }
}
