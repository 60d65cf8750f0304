//! How many experts a block has, and how many of them a token goes to.
//!
//! What belongs here: the two counts, and their relation. What does not: the axes (`experts.rs` of the crate).

use super::{Dims, DimsError};

/// The counts of a model whose blocks have many feed-forward networks, the experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertCounts {
    /// Experts of a block.
    pub count: usize,
    /// Experts that a token goes to.
    pub used: usize,
}

impl ExpertCounts {
    /// One feed-forward network for all tokens.
    pub const NONE: ExpertCounts = ExpertCounts { count: 0, used: 0 };

    /// The relation between the counts.
    pub(super) const fn check(&self) -> Result<(), DimsError> {
        let ExpertCounts { count, used } = *self;
        if count > Dims::MAX {
            return Err(DimsError::TooLarge { name: "experts", found: count });
        }
        match (count, used) {
            (0, 0) => Ok(()),
            (_, 0) => Err(DimsError::Zero("used experts")),
            _ if used > count => Err(DimsError::Experts { count, used }),
            _ => Ok(()),
        }
    }
}
