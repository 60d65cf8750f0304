//! The shape of a tensor in a file.
//!
//! The turn from GGUF's dimension order to row-major order is made here and nowhere else. Axis names and the tensors'
//! contents belong to other crates.

use std::fmt;

/// Most dimensions of a tensor (GGUF specification).
pub(crate) const DIMENSIONS: usize = 4;

/// Dimensions in GGUF's order: the fastest-varying one first (ggml's `ne`).
///
/// A weight matrix that maps `K` inputs to `R` outputs is stored row-major `[R, K]` and written as `[K, R]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ne {
    /// Unused ones are 1.
    dimensions: [usize; DIMENSIONS],
    count: u8,
}

impl Ne {
    /// Checks dimensions in the order of the file: 1 to 4 of them, none zero, at most `isize::MAX` elements.
    ///
    /// # Errors
    /// [`ShapeError::Count`], [`ShapeError::Zero`], [`ShapeError::TooLarge`].
    pub fn new(file_order: &[u64]) -> Result<Ne, ShapeError> {
        Ne::within(file_order, isize::MAX as u64)
    }

    /// As [`Ne::new`] for at most `limit` elements, which is at most `isize::MAX`.
    fn within(file_order: &[u64], limit: u64) -> Result<Ne, ShapeError> {
        let count = file_order.len();
        if count == 0 || count > DIMENSIONS {
            return Err(ShapeError::Count { found: count as u64 });
        }
        if let Some(position) = file_order.iter().position(|&n| n == 0) {
            return Err(ShapeError::Zero { position });
        }
        let elements = file_order.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        if elements.is_none_or(|elements| elements > limit) {
            return Err(ShapeError::TooLarge { ne: file_order.to_vec() });
        }
        let mut dimensions = [1; DIMENSIONS];
        for (to, &from) in dimensions.iter_mut().zip(file_order) {
            *to = from as usize; // no factor exceeds the product
        }
        Ok(Ne { dimensions, count: count as u8 })
    }

    /// Checks dimensions in row-major order, the slowest first.
    ///
    /// # Errors
    /// As [`Ne::new`].
    pub fn from_row_major(dimensions: &[usize]) -> Result<Ne, ShapeError> {
        let file_order: Vec<u64> = dimensions.iter().rev().map(|&n| n as u64).collect();
        Ne::new(&file_order)
    }

    /// The dimensions in row-major order, the slowest first: `[R, K]` for a matrix of `R` outputs and `K` inputs.
    pub fn row_major(&self) -> Vec<usize> {
        self.file_order().rev().collect()
    }

    /// The dimensions in the order of the file.
    pub fn file_order(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.dimensions.into_iter().take(self.count.into())
    }

    /// The length of a row: the fastest-varying dimension.
    pub fn fastest(&self) -> usize {
        self.dimensions[0]
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.dimensions.iter().product()
    }
}

/// Printed in row-major order, as the rest of the program speaks of shapes: `[R, K]`.
impl fmt::Debug for Ne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.row_major())
    }
}

/// Dimensions that no tensor can have, or none of the given type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// Too few or too many dimensions.
    #[error("expected 1 to {limit} dimensions, found {found}", limit = DIMENSIONS)]
    Count {
        /// The number of dimensions.
        found: u64,
    },
    /// An empty dimension.
    #[error("expected dimensions of at least 1, found 0 as dimension {position} in file order")]
    Zero {
        /// Its index in the order of the file.
        position: usize,
    },
    /// More elements than can be addressed.
    #[error("expected a tensor that fits in memory, found dimensions {ne:?} in file order")]
    TooLarge {
        /// The dimensions in the order of the file.
        ne: Vec<u64>,
    },
    /// Interleaved rows that do not come out even.
    #[error("expected a multiple of {expected} rows, which {kind} interleaves, found {found}")]
    Rows {
        /// Name of the element type.
        kind: &'static str,
        /// Rows that are interleaved.
        expected: u64,
        /// Rows of the tensor.
        found: u64,
    },
    /// Rows that are no whole number of blocks.
    #[error("expected rows of a multiple of {expected} elements, as {kind} packs them, found rows of {found}")]
    RowLength {
        /// Name of the element type.
        kind: &'static str,
        /// Elements of a block.
        expected: u64,
        /// Elements of a row.
        found: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TensorType;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        /// With the limits of 32-bit machines and of this one.
        #[test]
        fn dimensions_are_taken_where_memory_holds_their_elements(
            lengths in vec((0..u64::BITS, any::<u64>()).prop_map(|(bits, any)| (any >> bits).max(1)), 1..=4),
        ) {
            let exact = lengths.iter().fold(1_u128, |product, &n| product.saturating_mul(n.into()));
            for limit in [i32::MAX as u64, isize::MAX as u64] {
                match Ne::within(&lengths, limit) {
                    Ok(ne) => {
                        prop_assert!(exact <= limit.into());
                        prop_assert_eq!(ne.elements() as u128, exact);
                        let read: Vec<u64> = ne.file_order().map(|n| n as u64).collect();
                        prop_assert_eq!(&read, &lengths);
                        for kind in TensorType::all() {
                            bytes_are_exact_or_refused(kind, &ne);
                        }
                    }
                    Err(error) => {
                        prop_assert!(exact > limit.into());
                        prop_assert_eq!(error, ShapeError::TooLarge { ne: lengths.clone() });
                    }
                }
            }
        }
    }

    /// A length in bytes holds all bits of the elements; it is refused for dimensions that the type does not have, or
    /// where 64 bits do not hold it.
    fn bytes_are_exact_or_refused(kind: TensorType, ne: &Ne) {
        let least = |bits: u128| ne.elements() as u128 * bits / 8;
        match kind.byte_len(ne) {
            Ok(len) => {
                assert!(u128::from(len) >= least(1) && u128::from(len) <= least(32) + 64 + ne.elements() as u128)
            }
            Err(ShapeError::TooLarge { .. }) => assert!(least(32) > u128::from(u64::MAX)),
            Err(error) => assert!(matches!(error, ShapeError::RowLength { .. } | ShapeError::Rows { .. })),
        }
    }
}
