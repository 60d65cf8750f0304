//! Which blocks attend to a part of the past.
//!
//! What belongs here: the window, and the order of the blocks that have it. What does not: reading it from files
//! (`config`), and attention within it (`network`).

use std::num::NonZeroUsize;

/// Attention within a window, in the blocks that have it. The others see all positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Sliding {
    /// How many positions a query sees: the last ones up to its own, which is one of them. So have it llama.cpp and HF
    /// transformers: a key is hidden where `p_query - p_key >= window`.
    pub window: NonZeroUsize,
    /// Which blocks have it.
    pub order: SlidingOrder,
    /// Base of the frequencies of RoPE in these blocks, which are not scaled. The others may have another base, or not
    /// rotate at all.
    pub base: f32,
}

/// The order of the blocks with a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlidingOrder {
    /// Every so-manieth block, counted from 1, sees all positions.
    GlobalEvery(NonZeroUsize),
    /// For each block whether it has the window.
    Listed(Vec<bool>),
}

impl Sliding {
    /// Every so-manieth block of Gemma 3 sees all positions where its file does not say it.
    pub(crate) const USUAL_INTERVAL: NonZeroUsize = NonZeroUsize::new(6).expect("six is not zero");

    /// The base of Gemma 3 where its file does not say it.
    pub(crate) const USUAL_BASE: f32 = 10_000.0;

    /// Whether a block has the window.
    pub fn slides(&self, block: usize) -> bool {
        match &self.order {
            SlidingOrder::GlobalEvery(interval) => !(block + 1).is_multiple_of(interval.get()),
            SlidingOrder::Listed(listed) => listed.get(block).copied().unwrap_or(false),
        }
    }
}
