//! The lengths of blocks whose memory of a sequence has one size, however long the sequence is.
//!
//! What belongs here: the lengths, and their relations. What does not: the axes (`delta.rs`).

use super::{Dims, DimsError};

/// The lengths of the blocks that mix positions by the gated delta rule behind a short convolution (Yang, Kautz and
/// Hatamizadeh 2024, arXiv 2412.06464).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrent {
    /// Such blocks.
    pub layers: usize,
    /// Heads of queries and keys.
    pub key_heads: usize,
    /// Heads of values, each with a state.
    pub value_heads: usize,
    /// Width of a head of queries or keys.
    pub key_dim: usize,
    /// Width of a head of values.
    pub value_dim: usize,
    /// Positions that the convolution looks at, the last of them the token's own.
    pub taps: usize,
}

impl Recurrent {
    /// No such blocks.
    pub const NONE: Recurrent =
        Recurrent { layers: 0, key_heads: 0, value_heads: 0, key_dim: 0, value_dim: 0, taps: 0 };

    /// The relations between the lengths.
    pub(super) const fn check(&self) -> Result<(), DimsError> {
        let Recurrent { layers, key_heads, value_heads, key_dim, value_dim, taps } = *self;
        if layers == 0 {
            return Ok(());
        }
        let named = [
            ("recurrent layers", layers),
            ("heads of keys", key_heads),
            ("heads of values", value_heads),
            ("width of a head of keys", key_dim),
            ("width of a head of values", value_dim),
            ("convolution taps", taps),
        ];
        let mut i = 0;
        while i < named.len() {
            let (name, found) = named[i];
            if found == 0 {
                return Err(DimsError::Zero(name));
            }
            if found > Dims::MAX {
                return Err(DimsError::TooLarge { name, found });
            }
            i += 1;
        }
        if !value_heads.is_multiple_of(key_heads) {
            return Err(DimsError::DeltaHeads { value_heads, key_heads });
        }
        let too_large = Err(DimsError::TooLarge { name: "heads of values", found: value_heads });
        let (Some(keys), Some(values)) = (key_heads.checked_mul(key_dim), value_heads.checked_mul(value_dim)) else {
            return too_large;
        };
        let (Some(both), Some(states)) = (keys.checked_mul(2), values.checked_mul(key_dim)) else { return too_large };
        let Some(channels) = both.checked_add(values) else { return too_large };
        let Some(rows) = channels.checked_mul(taps) else { return too_large };
        let Some(layer) = rows.checked_add(states) else { return too_large };
        match layer.checked_mul(layers) {
            // The state of a sequence counts as one tensor.
            Some(elements) if elements <= Dims::MAX => Ok(()),
            _ => too_large,
        }
    }

    /// Channels of the convolution: queries, keys and values of all heads.
    pub const fn channels(&self) -> usize {
        2 * self.key_heads * self.key_dim + self.value_heads * self.value_dim
    }

    /// Numbers that one block remembers of a sequence: the last inputs of its convolution, and a matrix for each head
    /// of values.
    pub const fn layer_elements(&self) -> usize {
        self.taps.saturating_sub(1) * self.channels() + self.value_heads * self.value_dim * self.key_dim
    }

    /// Numbers that all such blocks remember of a sequence.
    pub const fn state_elements(&self) -> usize {
        self.layers * self.layer_elements()
    }
}
