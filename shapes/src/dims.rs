//! The numbers behind a model's axes, and the one place where their relations are checked.

mod experts;
mod recurrent;

pub use experts::ExpertCounts;
pub use recurrent::Recurrent;

/// The lengths of a model's axes.
///
/// The number of query heads is `kv_heads * group`, so heads always group evenly over key/value heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Residual width.
    pub hidden: usize,
    /// Width inside the feed-forward network; inside an expert where there are experts.
    pub ffn: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Query heads per key/value head.
    pub group: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Blocks that mix positions by attention.
    pub attention_layers: usize,
    /// Blocks that mix positions by the delta rule, and the widths in them.
    pub recurrent: Recurrent,
    /// Experts, where the feed-forward network of a block is one of several.
    pub experts: ExpertCounts,
}

/// The sizes of a model, each by its name: what [`Dims::new`] checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Residual width.
    pub hidden: usize,
    /// Width inside the feed-forward network.
    pub ffn: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Blocks that mix positions by attention.
    pub attention_layers: usize,
}

/// Dimensions that no model can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DimsError {
    /// A length is zero.
    #[error("`{0}` is zero")]
    Zero(&'static str),
    /// A length exceeds [`Dims::MAX`].
    #[error("`{name}` is {found}, more than {max} is not supported", max = Dims::MAX)]
    TooLarge {
        /// Which length.
        name: &'static str,
        /// Its value.
        found: usize,
    },
    /// Query heads do not divide evenly over key/value heads.
    #[error("{heads} heads do not group over {kv_heads} key/value heads")]
    Heads {
        /// Query heads.
        heads: usize,
        /// Key/value heads.
        kv_heads: usize,
    },
    /// Heads of values do not divide evenly over heads of keys.
    #[error("{value_heads} heads of values do not group over {key_heads} heads of keys")]
    DeltaHeads {
        /// Heads of values.
        value_heads: usize,
        /// Heads of keys.
        key_heads: usize,
    },
    /// A token goes to more experts than there are.
    #[error("a token cannot use {used} of {count} experts")]
    Experts {
        /// Experts of a block.
        count: usize,
        /// Experts that a token goes to.
        used: usize,
    },
    /// RoPE rotates pairs.
    #[error("head width {0} is odd, but RoPE rotates pairs")]
    OddHead(usize),
}

impl Dims {
    /// The largest length of an axis, on machines of every width.
    pub const MAX: usize = i32::MAX as usize;

    /// Checks the relations between the lengths.
    ///
    /// # Errors
    /// A zero or too large length, heads that do not group over key/value heads, an odd head width. The number of
    /// attention layers may be zero.
    pub const fn new(sizes: Sizes) -> Result<Dims, DimsError> {
        let Sizes { vocab, hidden, ffn, heads, kv_heads, head_dim, attention_layers } = sizes;
        let named = [
            ("vocab", vocab),
            ("hidden", hidden),
            ("ffn", ffn),
            ("heads", heads),
            ("kv_heads", kv_heads),
            ("head_dim", head_dim),
        ];
        let mut i = 0;
        while i < named.len() {
            if named[i].1 == 0 {
                return Err(DimsError::Zero(named[i].0));
            }
            if named[i].1 > Self::MAX {
                return Err(DimsError::TooLarge { name: named[i].0, found: named[i].1 });
            }
            i += 1;
        }
        if attention_layers > Self::MAX {
            return Err(DimsError::TooLarge { name: "attention_layers", found: attention_layers });
        }
        if !heads.is_multiple_of(kv_heads) {
            return Err(DimsError::Heads { heads, kv_heads });
        }
        if !head_dim.is_multiple_of(2) {
            return Err(DimsError::OddHead(head_dim));
        }
        match heads.checked_mul(head_dim) {
            Some(width) if width <= Self::MAX => {}
            _ => return Err(DimsError::TooLarge { name: "heads", found: heads }),
        }
        let (group, recurrent, experts) = (heads / kv_heads, Recurrent::NONE, ExpertCounts::NONE);
        Ok(Dims { vocab, hidden, ffn, kv_heads, group, head_dim, attention_layers, recurrent, experts })
    }

    /// The same with blocks that mix positions by the delta rule.
    ///
    /// # Errors
    /// A zero or too large length, and heads of values that do not group over heads of keys.
    pub const fn with_recurrent(self, recurrent: Recurrent) -> Result<Dims, DimsError> {
        match recurrent.check() {
            Ok(()) => Ok(Dims { recurrent, ..self }),
            Err(error) => Err(error),
        }
    }

    /// The same with blocks that have experts.
    ///
    /// # Errors
    /// A token that goes to no expert, or to more than there are.
    pub const fn with_experts(self, experts: ExpertCounts) -> Result<Dims, DimsError> {
        match experts.check() {
            Ok(()) => Ok(Dims { experts, ..self }),
            Err(error) => Err(error),
        }
    }

    /// Blocks: those of every kind of mixer together.
    pub const fn blocks(&self) -> usize {
        self.attention_layers + self.recurrent.layers
    }

    /// Query heads.
    pub const fn heads(&self) -> usize {
        self.kv_heads * self.group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes =
        Sizes { vocab: 320, hidden: 256, ffn: 512, heads: 8, kv_heads: 2, head_dim: 32, attention_layers: 3 };

    #[test]
    fn relations_are_checked_once_and_by_name() {
        let dims = Dims::new(SIZES).unwrap();
        assert_eq!((dims.group, dims.heads(), dims.attention_layers), (4, 8, 3));
        let message = |sizes| Dims::new(sizes).unwrap_err().to_string();
        assert_eq!(message(Sizes { kv_heads: 3, ..SIZES }), "8 heads do not group over 3 key/value heads");
        assert_eq!(message(Sizes { hidden: 0, ..SIZES }), "`hidden` is zero");
        assert_eq!(message(Sizes { head_dim: 31, ..SIZES }), "head width 31 is odd, but RoPE rotates pairs");
        let too_large = |sizes| Dims::new(sizes).map_err(|error| matches!(error, DimsError::TooLarge { .. }));
        assert_eq!(too_large(Sizes { vocab: usize::MAX, ..SIZES }), Err(true));
        let recurrent = Recurrent { layers: 6, key_heads: 2, value_heads: 6, key_dim: 8, value_dim: 12, taps: 4 };
        let hybrid = dims.with_recurrent(recurrent).unwrap();
        assert_eq!((hybrid.blocks(), recurrent.channels(), recurrent.state_elements()), (9, 104, 6 * (3 * 104 + 576)));
        let message = |recurrent| dims.with_recurrent(recurrent).unwrap_err().to_string();
        let uneven = Recurrent { value_heads: 5, ..recurrent };
        assert_eq!(message(uneven), "5 heads of values do not group over 2 heads of keys");
        assert_eq!(message(Recurrent { taps: 0, ..recurrent }), "`convolution taps` is zero");
        assert_eq!(dims.with_recurrent(Recurrent::NONE), Ok(dims));
        let message = |count, used| dims.with_experts(ExpertCounts { count, used }).unwrap_err().to_string();
        assert_eq!(message(8, 9), "a token cannot use 9 of 8 experts");
        assert_eq!(message(8, 0), "`used experts` is zero");
        assert_eq!(message(0, 1), "a token cannot use 1 of 0 experts");
        assert!(message(1 << 31, 8).contains("`experts` is 2147483648, more than 2147483647"));
        assert_eq!(dims.with_experts(ExpertCounts { count: 8, used: 8 }).unwrap().experts.used, 8);
        assert_eq!(too_large(Sizes { heads: 1 << 30, kv_heads: 1 << 30, head_dim: 1 << 30, ..SIZES }), Err(true));
    }
}
