//! Why a file is not converted.

use super::{HEAD_TYPES, MATRIX_TYPES};
use crate::files::{DescriptionError, Encoding, SourceTensor};
use crate::tools::TrialError;
use crate::weights::LoadError;
use std::fmt;
use trine_kernels::PackingError;
use trine_loader::{OneLine, TensorType, WriteError};

/// A model that cannot have the types that were asked for.
///
/// Printed as one line: `FILE: tensor TENSOR PROBLEM`, without the tensor where the problem is not with one. What is
/// said of the source ([`ConvertProblem::Description`], [`ConvertProblem::Load`]) names its place itself.
#[derive(Debug)]
pub struct ConvertError {
    file: String,
    tensor: Option<String>,
    problem: Box<ConvertProblem>,
}

/// What is wrong with a conversion.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertProblem {
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
    #[error("the file has no matrix of a transformer block, so there is nothing to convert")]
    NoMatrices,
    /// A directory whose matrices have heads in another order than a GGUF file.
    #[error(
        "blocks of this directory have the delta rule, whose heads lie in another order in a GGUF file, and matrices \
         are not put into that order: convert a GGUF file of the model"
    )]
    HeadOrder,
    /// A float matrix that is neither ternary nor binary.
    #[error(
        "is {found} and not ternary: only values -s, 0 and s keep their meaning, with one s for the matrix, a row, or \
         256, 128 or 64 columns; `--quantize absmean` quantizes float masters"
    )]
    NotTernary {
        /// Its type.
        found: Encoding,
    },
    /// A quantized matrix that is not ternary.
    #[error(
        "is {found}, which is not ternary: convert the float file that it was made from, or quantize it with \
         `--quantize absmean --group 128`"
    )]
    Dense {
        /// Its type.
        found: Encoding,
    },
    /// A tensor that a directory has in another form.
    #[error("is {found}, expected {expected}")]
    Encoding {
        /// Its type.
        found: Encoding,
        /// What it should be.
        expected: &'static str,
    },
    /// A bias that a scale beside its matrix would multiply, and does not in the directory.
    #[error(
        "the type cannot hold the scale of the matrix, and a scale in a tensor of its own would multiply its bias too; \
         I2_S holds every scale"
    )]
    Bias,
    /// What the source says of its model is not valid.
    #[error(transparent)]
    Description(DescriptionError),
    /// A source that does not load.
    #[error(transparent)]
    Load(LoadError),
    /// A model that loads and computes nothing.
    #[error(transparent)]
    Trial(TrialError),
    /// A matrix that is not valid, or that the type cannot hold.
    #[error("{packing}{}", advice(packing))]
    Matrix {
        /// What the packing says.
        packing: PackingError,
    },
    /// The new file would not be one.
    #[error("the new file: {0}")]
    Write(WriteError),
}

impl ConvertError {
    /// A problem of the model as a whole.
    pub(super) fn of_file(file: &str, problem: ConvertProblem) -> ConvertError {
        ConvertError { file: file.to_owned(), tensor: None, problem: Box::new(problem) }
    }

    /// A problem with a tensor.
    pub(super) fn of_tensor(tensor: &SourceTensor, problem: ConvertProblem) -> ConvertError {
        ConvertError { tensor: Some(tensor.name.clone()), ..ConvertError::of_file(&tensor.file, problem) }
    }

    /// The source, by its path or the name that it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tensor at fault, where there is one.
    pub fn tensor(&self) -> Option<&str> {
        self.tensor.as_deref()
    }

    /// What is wrong, with the expected and the found values.
    pub fn problem(&self) -> &ConvertProblem {
        &self.problem
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConvertError { file, tensor, problem } = self;
        match (&**problem, tensor.as_deref().map(OneLine)) {
            (ConvertProblem::Description(_) | ConvertProblem::Load(_), _) => write!(f, "{problem}"),
            (ConvertProblem::Matrix { .. } | ConvertProblem::Bias, Some(tensor)) => {
                write!(f, "{file}: tensor `{tensor}`: {problem}")
            }
            (_, Some(tensor)) => write!(f, "{file}: tensor `{tensor}` {problem}"),
            (_, None) => write!(f, "{file}: {problem}"),
        }
    }
}

impl std::error::Error for ConvertError {}

impl From<LoadError> for ConvertError {
    fn from(error: LoadError) -> ConvertError {
        let (file, tensor) = (error.file().to_owned(), error.tensor().map(str::to_owned));
        ConvertError { file, tensor, problem: Box::new(ConvertProblem::Load(error)) }
    }
}

fn advice(source: &PackingError) -> &'static str {
    match source {
        PackingError::Columns { .. } => "; F16 holds rows of every length",
        PackingError::ScalesDiffer { .. } => {
            "; F16 and the types with a scale for each 256, 128 or 64 columns hold them"
        }
        PackingError::GroupScales { .. } => "; F16 and types with a scale for fewer columns hold them",
        PackingError::Code { packing: "q1_0", .. } => "; q2_0, pq2_0 and ptq1_0 hold zeros",
        _ => "",
    }
}
