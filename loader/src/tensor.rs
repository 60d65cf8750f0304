//! A line of the tensor table.
//!
//! What belongs here: what a file says of a tensor before its data. What does not: checking it (`gguf`).

use crate::{Ne, TensorType};

/// A tensor of a file: a line of its tensor table, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub ne: Ne,
    /// Its element type.
    pub kind: TensorType,
    /// The index of the file with its data among those of the model; 0 unless the model is split.
    pub file: usize,
    /// The first byte of its data, counted from the start of that file.
    pub offset: u64,
    /// The exact length of its data in bytes.
    pub len: u64,
}
