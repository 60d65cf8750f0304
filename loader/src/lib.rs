//! GGUF files: read with every byte accounted for, and written. Safetensors files: read in the same way, and the JSON
//! files beside them ([`json`]).
//!
//! [`Gguf`] maps a file into memory, checks all of its structure once and hands out metadata and exact tensor bytes.
//! [`GgufWriter`] is the other direction. [`Safetensors`] is one file of that format, [`SafetensorsModel`] the files of
//! a directory.
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

mod foreign;
mod gguf;
pub mod json;
mod map;
mod message;
mod output;
mod safetensors;
mod shape;
mod tensor;
mod tensor_type;

pub use foreign::Foreign;
pub use gguf::{
    Array, FromValue, Gguf, GgufError, GgufWriter, Metadata, Place, Problem, StringArray, TypeLayout, Value, ValueType,
    WriteError, limits,
};
pub use map::{Access, OpenError, read_file};
pub use message::{Keys, OneLine, one_line, steers};
pub use output::{check_output, remove_unfinished, write_output};
pub use safetensors::{Dtype, Safetensors, SafetensorsError, SafetensorsInfo, SafetensorsModel, SafetensorsProblem};
pub use shape::{Ne, ShapeError};
pub use tensor::TensorInfo;
pub use tensor_type::TensorType;
