//! What can be wrong with the tensors of a file, as one line that names the file and the tensor.

use crate::description::{Architecture, Biases, ConfigError};
use crate::files::Encoding;
use trine_kernels::PackingError;
use trine_loader::OneLine;
use trine_shapes::{Dims, ShapeError};

/// Tensors that do not make up the model that the metadata describes.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Tensors are missing or have no role.
    #[error("{file}: {}", inventory(*.architecture, missing, extra))]
    Inventory {
        /// The file.
        file: String,
        /// Its architecture.
        architecture: Architecture,
        /// Names of missing tensors.
        missing: Vec<String>,
        /// Names of tensors without a role.
        extra: Vec<String>,
    },
    /// Two tensors with one role.
    #[error("{file}: tensors `{first}` and `{second}` have the same role")]
    SameRole {
        /// The file.
        file: String,
        /// Name of the first.
        first: String,
        /// Name of the second.
        second: String,
    },
    /// A description of no model that Trine runs.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An environment with other lengths than the file has.
    #[error("{file}: the model has {found:?}, and `{environment}` has {expected:?}")]
    Dims {
        /// The file.
        file: String,
        /// The environment.
        environment: &'static str,
        /// Its lengths.
        expected: Box<Dims>,
        /// Those of the file.
        found: Box<Dims>,
    },
    /// A tensor of another shape than its role has.
    #[error("{file}: tensor {source}")]
    Shape {
        /// The file.
        file: String,
        /// Tensor, expected and found shape.
        source: Box<ShapeError>,
    },
    /// A tensor that is no matrix.
    #[error("{file}: tensor `{tensor}` should be a matrix but has dimensions {found:?}")]
    NotAMatrix {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its dimensions.
        found: Vec<usize>,
    },
    /// Damaged or impossible contents.
    #[error("{file}: tensor `{tensor}` at byte {offset}: {source}")]
    Contents {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its first byte in the file.
        offset: u64,
        /// What is wrong.
        source: Box<PackingError>,
    },
    /// A norm's gains or a scale in a quantized type.
    #[error("{file}: tensor `{tensor}` is {found}, expected F32, F16 or BF16: {what} must not be quantized")]
    Quantized {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Norm gains, or another vector.
        what: &'static str,
        /// Its type.
        found: Encoding,
    },
    /// A correction that fits no tensor.
    #[error(
        "{file}: a correction is ordered for tensor `{tensor}`, which is neither a norm with gains to rescale nor a \
         ternary matrix with one scale to invert"
    )]
    Uncorrected {
        /// The file.
        file: String,
        /// The name in the policy.
        tensor: String,
    },
    /// Values that no such tensor can have.
    #[error("{file}: tensor `{tensor}` holds {found}, expected {expected}")]
    Value {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
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
