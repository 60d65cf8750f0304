//! What can be wrong with the tensors of a file, as one line that names the file and the tensor.

use crate::description::{Architecture, Biases, ConfigError};
use crate::files::{Encoding, SourceTensor};
use std::fmt;
use trine_kernels::PackingError;
use trine_loader::OneLine;
use trine_ops::{FoldError, LowRankError};
use trine_shapes::{Dims, OtherFile, ShapeError};

/// Tensors that do not make up the model that the metadata describes.
///
/// Printed as one line: `FILE: tensor TENSOR at byte OFFSET PROBLEM`, without the parts that do not apply. What is said
/// of the description ([`LoadProblem::Config`]) names its place itself.
#[derive(Debug)]
pub struct LoadError {
    file: String,
    tensor: Option<String>,
    offset: Option<u64>,
    problem: Box<LoadProblem>,
}

/// What is wrong with the tensors of a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// Tensors are missing or have no role.
    #[error("{}", inventory(*.architecture, missing, extra))]
    Inventory {
        /// The architecture.
        architecture: Architecture,
        /// Names of missing tensors.
        missing: Vec<String>,
        /// Names of tensors without a role.
        extra: Vec<String>,
    },
    /// A tensor with the role of another one.
    #[error("and tensor `{}` have the same role", OneLine(first))]
    SameRole {
        /// The name of the other one.
        first: String,
    },
    /// A description of no model that Trine runs.
    #[error(transparent)]
    Config(ConfigError),
    /// An environment with other lengths than the file has.
    #[error("the model has {found:?}, and `{environment}` has {expected:?}")]
    Dims {
        /// The environment.
        environment: &'static str,
        /// Its lengths.
        expected: Dims,
        /// Those of the file.
        found: Dims,
    },
    /// A rotation of folded matrices that does not fit.
    #[error(transparent)]
    Fold(FoldError),
    /// Adapters that are to become part of folded matrices.
    #[error(
        "its matrices are folded with a rotation, and adapters are of matrices without one: let them run beside the \
         matrices instead of merging them"
    )]
    FoldedMerge,
    /// A type that stands for another file.
    #[error(transparent)]
    OtherFile(OtherFile),
    /// A tensor of another shape than its role has; with its name, and both shapes.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A tensor that is no matrix.
    #[error("should be a matrix but has dimensions {found:?}")]
    NotAMatrix {
        /// Its dimensions.
        found: Vec<usize>,
    },
    /// Damaged or impossible contents.
    #[error(transparent)]
    Contents(#[from] PackingError),
    /// A norm's gains or a scale in a quantized type.
    #[error("is {found}, expected F32, F16 or BF16: {what} must not be quantized")]
    Quantized {
        /// Norm gains, or another vector.
        what: &'static str,
        /// Its type.
        found: Encoding,
    },
    /// A correction that does not fit the tensor, or one for a tensor that is not there.
    #[error(
        "a correction is ordered for it, and it is neither a norm with gains to rescale nor a ternary matrix with one \
         scale to invert"
    )]
    Uncorrected,
    /// A parameter whose tensor the file does not have.
    #[error("is not among the {count} tensors of the file")]
    Absent {
        /// How many tensors it has.
        count: usize,
    },
    /// Two parameters with one name.
    #[error("was read before: each tensor is one parameter")]
    ReadBefore,
    /// Gains of a norm under a name that is not that of the norm.
    #[error("does not have the name of the norm `{norm}`, whose gains it is read as")]
    OtherNorm {
        /// The name of the norm.
        norm: &'static str,
    },
    /// A tensor of an adapter that adapts no matrix of a block.
    #[error("is no factor `lora_A` or `lora_B` of a matrix of a block, and Trine adapts nothing else")]
    NoFactor,
    /// An adapter without factors.
    #[error("holds no factors of matrices")]
    NoFactors,
    /// A factor of an adapter without the other one.
    #[error("has no second factor: the product of both adapts a matrix")]
    OneFactor,
    /// A factor of an adapter of a block that the model does not have.
    #[error("adapts a block that the model does not have: it has {blocks}")]
    NoBlock {
        /// How many blocks there are.
        blocks: usize,
    },
    /// Factors of an adapter that do not fit their matrix.
    #[error(transparent)]
    LowRank(LowRankError),
    /// A matrix that an adapter cannot become part of.
    #[error("is {packing}: only F32, F16 and BF16 matrices take an adapter into them; beside others it stays apart")]
    NotMerged {
        /// Its packing.
        packing: &'static str,
    },
    /// Tensors that are no parameter.
    #[error("tensors are read as no parameter: {}", shortened(names))]
    Unread {
        /// Their names.
        names: Vec<String>,
    },
    /// A matrix in another type than its parameter has.
    #[error("is {found}, expected {expected}")]
    OtherType {
        /// The type of the parameter.
        expected: &'static str,
        /// That of the tensor.
        found: Encoding,
    },
    /// Values that no such tensor can have.
    #[error("holds {found}, expected {expected}")]
    Value {
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl LoadError {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(file: &str, problem: LoadProblem) -> LoadError {
        LoadError { file: file.to_owned(), tensor: None, offset: None, problem: Box::new(problem) }
    }

    /// A problem with a tensor of this name.
    pub(crate) fn named(file: &str, tensor: &str, problem: LoadProblem) -> LoadError {
        LoadError { tensor: Some(tensor.to_owned()), ..LoadError::of_file(file, problem) }
    }

    /// A problem with a tensor that is there.
    pub(crate) fn of_tensor(tensor: &SourceTensor, problem: LoadProblem) -> LoadError {
        LoadError { offset: Some(tensor.offset), ..LoadError::named(&tensor.file, &tensor.name, problem) }
    }

    /// The file, by its path or the name that it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tensor at fault, where there is one.
    pub fn tensor(&self) -> Option<&str> {
        self.tensor.as_deref()
    }

    /// The byte of the file at which its data begins, where it has the tensor.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// What is wrong, with the expected and the found values.
    pub fn problem(&self) -> &LoadProblem {
        &self.problem
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoadError { file, tensor, offset, problem } = self;
        match (&**problem, tensor.as_deref().map(OneLine), offset) {
            (LoadProblem::Config(error), ..) => write!(f, "{error}"),
            (LoadProblem::Shape(error), ..) => write!(f, "{file}: tensor {error}"),
            (LoadProblem::Contents(error), Some(tensor), Some(offset)) => {
                write!(f, "{file}: tensor `{tensor}` at byte {offset}: {error}")
            }
            (LoadProblem::Uncorrected, Some(tensor), _) => write!(f, "{file}: tensor `{tensor}`: {problem}"),
            (_, Some(tensor), _) => write!(f, "{file}: tensor `{tensor}` {problem}"),
            (_, None, _) => write!(f, "{file}: {problem}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<ConfigError> for LoadError {
    fn from(error: ConfigError) -> LoadError {
        let file = error.file().to_owned();
        LoadError::of_file(&file, LoadProblem::Config(error))
    }
}

fn inventory(architecture: Architecture, missing: &[String], extra: &[String]) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("tensors are missing: {}", shortened(missing)));
    }
    if !extra.is_empty() {
        parts.push(format!("tensors have no role in architecture `{architecture}`: {}", shortened(extra)));
        let of_norm = |name: &String| name.contains("norm") || name.contains("_ln");
        let mut biases = extra.iter().filter(|name| name.ends_with(".bias"));
        if biases.clone().any(of_norm) {
            parts.push("a norm with a bias is a LayerNorm, and the norms of this architecture are RMSNorms".to_owned());
        } else if biases.next().is_some() && architecture.graph().biases == Biases::None {
            parts.push("its matrices have no biases, so this is another model".to_owned());
        }
    }
    parts.join("; ")
}

/// The first names of a list, and how many more there are.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{}`", OneLine(name))).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
