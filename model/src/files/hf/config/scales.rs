//! Entries of `config.json` that scale what a model computes.
//!
//! What belongs here: reading these entries. What does not: what the numbers mean ([`Scales`]).

use super::Reader;
use crate::description::{Architecture, ConfigError, ScaledBy, Scales};

impl Reader<'_> {
    /// The scales of a model with so many blocks. MiniCPM's three numbers must be there: the code of its checkpoints
    /// makes up others than published models have.
    pub(super) fn scales(
        &self,
        architecture: Architecture,
        blocks: usize,
        hidden: usize,
    ) -> Result<Scales, ConfigError> {
        let Reader(object) = self;
        match architecture.graph().scales {
            ScaledBy::Numbers => {
                let (embedding, depth) = (object.positive("scale_emb")?, object.positive("scale_depth")?);
                Ok(Scales::of_mup(embedding, depth, object.positive("dim_model_base")?, blocks, hidden))
            }
            by => Ok(Scales::of_hidden(by, hidden)),
        }
    }
}
