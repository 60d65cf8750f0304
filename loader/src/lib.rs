//! GGUF files: read with every byte accounted for, and written.
//!
//! [`Gguf`] maps a file into memory, checks all of its structure once and hands out metadata and exact tensor bytes.
//! [`GgufWriter`] is the other direction.
//!
//! Here belong the container format, the one table of tensor types with their exact byte lengths, and the memory map.
//! Decoding weights, the names of layers and the meaning of metadata keys do not: this crate does no arithmetic on
//! tensor contents and knows no model.
//!
//! ```
//! use trine_loader::{Gguf, GgufWriter, TensorType};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut writer = GgufWriter::new();
//! writer.set("general.architecture", "llama")?;
//! writer.tensor("output_norm.weight", &[3], TensorType::F32, vec![0u8; 12])?;
//! let mut file = Vec::new();
//! writer.write_to(&mut file)?;
//!
//! let gguf = Gguf::from_bytes("example", file.into())?;
//! assert_eq!(gguf.metadata().str("general.architecture")?, "llama");
//! let norm = gguf.tensor("output_norm.weight").expect("written above");
//! assert_eq!((norm.kind, norm.ne.row_major()), (TensorType::F32, vec![3]));
//! assert_eq!(gguf.bytes(norm).len(), 12);
//! # Ok(())
//! # }
//! ```
#![deny(unsafe_code)]

mod error;
mod foreign;
mod gguf;
mod layout;
mod map;
mod metadata;
mod parse;
mod reader;
mod tensor;
mod tensor_type;
mod value;
mod writer;

pub use error::{GgufError, Place, Problem};
pub use foreign::Foreign;
pub use gguf::Gguf;
pub use metadata::{FromValue, Metadata};
pub use tensor::{Ne, ShapeError, TensorInfo};
pub use tensor_type::TensorType;
pub use value::{Array, StringArray, Value, ValueType};
pub use writer::{GgufWriter, WriteError};

/// The limits that the format sets, and those that this crate sets where the format is silent.
pub mod limits {
    /// Longest metadata key in bytes (GGUF specification).
    pub const KEY_BYTES: u64 = 65_535;
    /// Longest tensor name in bytes (GGUF specification).
    pub const TENSOR_NAME_BYTES: u64 = 64;
    /// Most dimensions of a tensor (GGUF specification).
    pub const DIMENSIONS: usize = 4;
    /// Deepest nesting of metadata arrays: a plain array has depth 1. No known writer nests arrays at all.
    pub const ARRAY_DEPTH: usize = 4;
    /// Alignment of tensor data where `general.alignment` is absent (GGUF specification).
    pub const DEFAULT_ALIGNMENT: u64 = 32;
    /// Smallest alignment (GGUF specification: a multiple of 8).
    pub const SMALLEST_ALIGNMENT: u64 = 8;
    /// Largest alignment: far above every page and cache-line size that a writer could have in mind.
    pub const LARGEST_ALIGNMENT: u64 = 1 << 20;

    /// Whether `alignment` is a power of two within the limits above.
    pub fn is_alignment(alignment: u64) -> bool {
        alignment.is_power_of_two() && (SMALLEST_ALIGNMENT..=LARGEST_ALIGNMENT).contains(&alignment)
    }
}
