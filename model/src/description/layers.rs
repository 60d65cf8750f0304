//! Which blocks of a model mix positions in which way.
//!
//! What belongs here: the kinds, and the order of blocks of each. What does not: how many there are of each
//! ([`Dims`](trine_shapes::Dims)).

use trine_ops::HeadOrder;

/// How a block mixes the positions of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MixerKind {
    /// By attention, whose memory grows with the sequence.
    Attention,
    /// By the gated delta rule, whose memory does not.
    Recurrent,
}

/// The order of the blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MixerOrder {
    /// All have attention.
    Attention,
    /// Every so-manieth block has attention, counted from 1, and the others the delta rule.
    AttentionEvery(usize),
    /// For each block whether it has the delta rule.
    Listed(Vec<bool>),
}

/// The blocks of a model, and what is not read of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// How each block mixes positions.
    pub order: MixerOrder,
    /// Which head of keys a head of values of the delta rule has. It follows the order of the rows in the files.
    pub heads: HeadOrder,
    /// Blocks behind these that guess several tokens at a time: they are not read.
    pub skipped: usize,
}

impl Layers {
    /// Blocks that all have attention.
    pub const ATTENTION: Layers = Layers { order: MixerOrder::Attention, heads: HeadOrder::Tiled, skipped: 0 };

    /// How a block mixes positions.
    pub fn mixer(&self, block: usize) -> MixerKind {
        let is_recurrent = match &self.order {
            MixerOrder::Attention => false,
            MixerOrder::AttentionEvery(interval) => !(block + 1).is_multiple_of(*interval),
            MixerOrder::Listed(recurrent) => recurrent.get(block).copied().unwrap_or(false),
        };
        if is_recurrent { MixerKind::Recurrent } else { MixerKind::Attention }
    }

    /// Those of the first `blocks` blocks that are of a kind.
    pub fn blocks(&self, blocks: usize, kind: MixerKind) -> Vec<usize> {
        (0..blocks).filter(|block| self.mixer(*block) == kind).collect()
    }

    /// How many of the first `blocks` blocks there are of a kind.
    pub fn count(&self, blocks: usize, kind: MixerKind) -> usize {
        self.blocks(blocks, kind).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fourth_block_has_attention() {
        let layers = Layers { order: MixerOrder::AttentionEvery(4), ..Layers::ATTENTION };
        let kinds: Vec<_> = (0..8).map(|block| layers.mixer(block) == MixerKind::Attention).collect();
        assert_eq!(kinds, [false, false, false, true, false, false, false, true]);
        assert_eq!((layers.count(64, MixerKind::Attention), layers.count(64, MixerKind::Recurrent)), (16, 48));
        let listed = Layers { order: MixerOrder::Listed(vec![false, true]), ..Layers::ATTENTION };
        assert_eq!((listed.count(2, MixerKind::Attention), listed.mixer(1)), (1, MixerKind::Recurrent));
    }
}
