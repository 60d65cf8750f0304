//! Which logits of a step are wanted.

use std::num::NonZeroUsize;

/// The logits that a step computes for its last position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of every token.
    All,
    /// So many of the largest, exactly. A transformer with a shortlist leaves others out, as minus infinity; one
    /// without computes them all.
    Largest(NonZeroUsize),
}
