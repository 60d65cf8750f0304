//! Why a file is not converted.

use super::{HEAD_TYPES, MATRIX_TYPES};
use trine_kernels::PackingError;
use trine_loader::{TensorType, WriteError};

/// A model that cannot have the types that were asked for.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A type that matrices are not converted to.
    #[error("matrices cannot become {found}; expected one of {}", MATRIX_TYPES.map(TensorType::name).join(", "))]
    Type {
        /// The type asked for.
        found: TensorType,
    },
    /// A type that the head is not converted to.
    #[error("the head cannot become {found}; expected one of {}", HEAD_TYPES.map(TensorType::name).join(", "))]
    HeadType {
        /// The type asked for.
        found: TensorType,
    },
    /// A file without a matrix that has a role.
    #[error("{file}: the file has no matrix of a transformer block, so there is nothing to convert")]
    NoMatrices {
        /// The file.
        file: String,
    },
    /// A float matrix that is not ternary.
    #[error(
        "{file}: tensor `{tensor}` is {found} and not ternary: only values -s, 0 and s of one s keep their meaning; \
         `--quantize absmean` quantizes float masters"
    )]
    NotTernary {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: TensorType,
    },
    /// A quantized matrix that is not ternary.
    #[error("{file}: tensor `{tensor}` is {found}, which is not ternary: convert the float file that it was made from")]
    Dense {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: TensorType,
    },
    /// A matrix that is not valid, or that the type cannot hold.
    #[error("{file}: tensor `{tensor}`: {source}{}", advice(source))]
    Matrix {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What the packing says.
        source: Box<PackingError>,
    },
    /// The new file would not be one.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn advice(source: &PackingError) -> &'static str {
    match source {
        PackingError::Columns { .. } => "; F16 holds rows of every length",
        PackingError::ScalesDiffer { .. } => "; TQ1_0, TQ2_0 and F16 hold them",
        _ => "",
    }
}
