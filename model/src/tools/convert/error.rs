//! Why a file is not converted.

use super::{HEAD_TYPES, MATRIX_TYPES};
use crate::files::{DescriptionError, Encoding};
use crate::weights::LoadError;
use trine_kernels::PackingError;
use trine_loader::{OneLine, TensorType, WriteError};

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
        found: Encoding,
    },
    /// A quantized matrix that is not ternary.
    #[error("{file}: tensor `{tensor}` is {found}, which is not ternary: convert the float file that it was made from")]
    Dense {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: Encoding,
    },
    /// A tensor that a directory has in another form.
    #[error("{file}: tensor `{}` is {found}, expected {expected}", OneLine(tensor))]
    Encoding {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: Encoding,
        /// What it should be.
        expected: &'static str,
    },
    /// A tensor of a directory of another shape than its role has.
    #[error("{file}: tensor `{tensor}` has dimensions {found:?}, expected {expected:?}")]
    Shape {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its dimensions, outermost first.
        found: Vec<usize>,
        /// Those of its role.
        expected: Vec<usize>,
    },
    /// A bias that a scale beside its matrix would multiply, and does not in the directory.
    #[error(
        "{file}: tensor `{tensor}`: the type cannot hold the scale of the matrix, and a scale in a tensor of its own \
         would multiply its bias too; I2_S holds every scale"
    )]
    Bias {
        /// The file.
        file: String,
        /// The bias.
        tensor: String,
    },
    /// What the source says of its model is not valid.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// A directory whose tensors do not make up its model.
    #[error(transparent)]
    Load(#[from] LoadError),
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
