//! The numbers behind a model's axes, and the one place where their relations are checked.

/// The lengths of a model's axes.
///
/// The number of query heads is `kv_heads * group`, so heads always group evenly over key/value heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Residual width.
    pub hidden: usize,
    /// Width inside the feed-forward network.
    pub ffn: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Query heads per key/value head.
    pub group: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Blocks that mix positions by attention.
    pub attention_layers: usize,
}

/// Dimensions that no model can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    pub const fn new(
        vocab: usize,
        hidden: usize,
        ffn: usize,
        heads: usize,
        kv_heads: usize,
        head_dim: usize,
        attention_layers: usize,
    ) -> Result<Dims, DimsError> {
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
        Ok(Dims { vocab, hidden, ffn, kv_heads, group: heads / kv_heads, head_dim, attention_layers })
    }

    /// Blocks: those of every kind of mixer together.
    pub const fn blocks(&self) -> usize {
        self.attention_layers
    }

    /// Query heads.
    pub const fn heads(&self) -> usize {
        self.kv_heads * self.group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_checked_once_and_by_name() {
        let dims = Dims::new(320, 256, 512, 8, 2, 32, 3).unwrap();
        assert_eq!((dims.group, dims.heads(), dims.attention_layers), (4, 8, 3));
        let message = |d: Result<Dims, DimsError>| d.unwrap_err().to_string();
        assert_eq!(message(Dims::new(320, 256, 512, 8, 3, 32, 3)), "8 heads do not group over 3 key/value heads");
        assert_eq!(message(Dims::new(320, 0, 512, 8, 2, 32, 3)), "`hidden` is zero");
        assert_eq!(message(Dims::new(320, 256, 512, 8, 2, 31, 3)), "head width 31 is odd, but RoPE rotates pairs");
        assert!(matches!(Dims::new(usize::MAX, 256, 512, 8, 2, 32, 3), Err(DimsError::TooLarge { name: "vocab", .. })));
        assert!(matches!(
            Dims::new(320, 256, 512, 1 << 30, 1 << 30, 1 << 30, 3),
            Err(DimsError::TooLarge { name: "heads", .. })
        ));
    }
}
