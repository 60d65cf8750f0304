//! How the bytes of a tensor stand for numbers.
//!
//! What belongs here: the forms that files have, by name. What does not: decoding them ([`weights`](crate::weights)).

use std::fmt;
use trine_loader::{Dtype, TensorType};

/// How the bytes of a tensor stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As a tensor type of GGUF files; the float types are those of safetensors too.
    Plain(TensorType),
    /// Float masters that are quantized with their mean magnitude when they are loaded.
    Masters(TensorType),
    /// Floats that are ternary: each is `-s`, 0 or `s` for one `s`. Other values are refused.
    TernaryFloats(TensorType),
    /// HF's packed codes: byte `[r, c]` holds those of rows `r`, `r + R/4`, `r + R/2` and `r + 3R/4` of `R` rows, from
    /// its low to its high bits. The matrix needs a scale in a tensor of its own.
    PackedRows,
    /// One code -1, 0 or 1 in each byte. The matrix needs a scale in a tensor of its own.
    Int8Codes,
    /// Words of codes, as MLX has them. The matrix needs the numbers beside them
    /// ([`SourceTensor::groups`](super::SourceTensor::groups)).
    Words(Words),
    /// A scale by which products are divided.
    Divisor(TensorType),
    /// A type that no tensor of a model has, by its name.
    Foreign(&'static str),
}

impl Encoding {
    /// That of an element type of safetensors files by itself.
    pub(crate) fn of_dtype(dtype: Dtype) -> Encoding {
        match dtype {
            Dtype::F32 => Encoding::Plain(TensorType::F32),
            Dtype::F16 => Encoding::Plain(TensorType::F16),
            Dtype::BF16 => Encoding::Plain(TensorType::BF16),
            _ => Encoding::Foreign(dtype.name()),
        }
    }

    /// The type where each element is a number of its own: F32, F16 or BF16.
    pub fn float(self) -> Option<TensorType> {
        match self {
            Encoding::Plain(kind)
            | Encoding::Masters(kind)
            | Encoding::TernaryFloats(kind)
            | Encoding::Divisor(kind) => kind.is_float().then_some(kind),
            Encoding::PackedRows | Encoding::Int8Codes | Encoding::Words(_) | Encoding::Foreign(_) => None,
        }
    }

    /// Its name in messages and reports.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Plain(kind)
            | Encoding::Masters(kind)
            | Encoding::TernaryFloats(kind)
            | Encoding::Divisor(kind) => kind.name(),
            Encoding::PackedRows => "U8",
            Encoding::Int8Codes => "I8",
            Encoding::Words(_) => "U32",
            Encoding::Foreign(name) => name,
        }
    }
}

/// Words of 32 bits: how many of them are a code, and which columns share numbers that say what the codes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Two bits, 64 columns: ternary.
    Ternary64,
    /// Two bits, 128 columns: ternary.
    Ternary128,
    /// One bit, 128 columns: binary.
    Binary128,
    /// Two bits, a scale for each row and no biases: ternary.
    TernaryRows,
    /// Four bits, 64 columns: of an embedding or a head.
    Affine64,
}

impl Words {
    /// Those that the matrices of a model may have, by bits and columns.
    pub(super) const USUAL: [Words; 3] = [Words::Ternary64, Words::Ternary128, Words::Binary128];

    /// Bits of a code.
    pub fn bits(self) -> usize {
        match self {
            Words::Ternary64 | Words::Ternary128 | Words::TernaryRows => 2,
            Words::Binary128 => 1,
            Words::Affine64 => 4,
        }
    }

    /// Columns of a group; `None` where the row is one.
    pub fn columns(self) -> Option<usize> {
        match self {
            Words::Ternary64 | Words::Affine64 => Some(64),
            Words::Ternary128 | Words::Binary128 => Some(128),
            Words::TernaryRows => None,
        }
    }

    /// What follows the module in the names of the tensors beside words.
    pub(crate) fn beside(self) -> &'static [&'static str] {
        match self {
            Words::TernaryRows => &["row_alpha"],
            _ => &["scales", "biases"],
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
