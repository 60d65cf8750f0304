//! Adapters of low rank (LoRA) of a model's matrices: what HF PEFT saves, and adapters in GGUF files.
//!
//! * `peft.rs`: a directory with `adapter_config.json` and `adapter_model.safetensors`;
//! * `gguf.rs`: a GGUF file whose `general.type` is `adapter`.
//!
//! What belongs here: which matrices are adapted, by which factors, in which order of rows. What does not: what factors
//! add to a product ([`LowRank`]).

mod gguf;
mod peft;

use super::checked;
use super::matrices;
use super::{LoadError, LoadProblem};
use crate::description::{Architecture, Config, ConfigError, Projection, Role};
use crate::files::SourceTensor;
use std::path::Path;
use trine_kernels::{Matrix, PackingKind};
use trine_loader::{Access, Gguf, GgufError, SafetensorsError};
use trine_ops::{Cpu, LowRank};
use trine_shapes::{Axis, Made, RopePairing};

/// An adapter of low rank for matrices of a model's blocks. It runs beside them, or is merged into float ones
/// ([`LoadOptions::adapters`](crate::LoadOptions::adapters)).
///
/// Source: Hu et al. 2021 (arXiv 2106.09685); `LoraConfig` of HF PEFT; `convert_lora_to_gguf.py` of llama.cpp.
#[derive(Clone, Debug)]
pub struct Adapter {
    label: String,
    /// What a GGUF file says that it is of; PEFT does not say it.
    architecture: Option<String>,
    /// The order of the rows of query and key matrices.
    pairing: RopePairing,
    factors: Vec<Factors>,
    strength: f32,
}

/// The factors of one matrix.
#[derive(Clone, Debug)]
struct Factors {
    block: usize,
    projection: Projection,
    /// `A`: as many rows as the rank.
    down: SourceTensor,
    /// `B`: as many columns as the rank.
    up: SourceTensor,
    /// What multiplies `B A`.
    scale: f32,
}

/// A path that leads to no adapter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// A file that is no sound GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The tensors of a directory cannot be read.
    #[error(transparent)]
    Weights(#[from] SafetensorsError),
    /// What says what the adapter is cannot be read, or asks for arithmetic that Trine does not have.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A tensor that is no factor of a matrix of a block, or one without its other factor.
    #[error(transparent)]
    Tensor(#[from] LoadError),
}

/// Which factor of a matrix a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Down,
    Up,
}

impl Adapter {
    /// Opens a directory as HF PEFT saves adapters, or a GGUF file that holds one. [`Access::Map`] says what must not
    /// happen to files while they are mapped.
    ///
    /// # Errors
    /// [`AdapterError`] where it cannot be read, or is no adapter of low rank of the matrices of blocks.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Adapter, AdapterError> {
        let path = path.as_ref();
        match path.is_dir() {
            true => peft::open(path, access),
            false => gguf::of_file(&Gguf::open_with(path, access)?),
        }
    }

    /// The same adapter with its products multiplied by `strength`, 1 before.
    #[must_use]
    pub fn with_strength(self, strength: f32) -> Adapter {
        Adapter { strength, ..self }
    }

    /// Its path, for messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many matrices it adapts.
    pub fn matrices(&self) -> usize {
        self.factors.len()
    }

    /// Whether it can be one of the model.
    ///
    /// # Errors
    /// Another architecture, and blocks that the model does not have.
    pub(super) fn check(&self, config: &Config) -> Result<(), LoadError> {
        let name = config.architecture.name();
        let is_other = |found: &&str| Architecture::from_name(found) != Some(config.architecture);
        if let Some(found) = self.architecture.as_deref().filter(is_other) {
            let problem =
                ConfigError::value(&self.label, "general.architecture", found, format!("{name}, the model's"));
            return Err(LoadError::of_file(&self.label, LoadProblem::Config(problem)));
        }
        let blocks = config.dims.attention_layers;
        match self.factors.iter().find(|factors| factors.block >= blocks) {
            Some(beyond) => Err(LoadError::of_tensor(&beyond.down, LoadProblem::NoBlock { blocks })),
            None => Ok(()),
        }
    }

    /// What is added to a matrix of a block, where the adapter has factors for it.
    ///
    /// # Errors
    /// Factors that are none of a matrix with these axes, and contents that are not valid.
    pub(super) fn beside<O: Made, I: Axis>(
        &self,
        cpu: &Cpu,
        config: &Config,
        (block, projection): (usize, Projection),
        axes: (O, I),
    ) -> Result<Option<LowRank<O, I>>, LoadError> {
        let mut factors = self.factors.iter();
        let Some(found) = factors.find(|factors| (factors.block, factors.projection) == (block, projection)) else {
            return Ok(None);
        };
        let down = factor(cpu, &found.down, None)?;
        let is_rotated = matches!(projection, Projection::Query | Projection::Key);
        let reordered = (is_rotated && self.pairing != config.rope.pairing).then_some(config);
        let up = factor(cpu, &found.up, reordered)?;
        let beside = LowRank::check(&found.down.name, (down, up), found.scale * self.strength, axes);
        beside.map(Some).map_err(|error| LoadError::of_tensor(&found.down, LoadProblem::LowRank(error)))
    }
}

/// A factor in f32, as the products of both multiply f32; its rows in the order of the model, which is the other one
/// where that is given.
fn factor(cpu: &Cpu, tensor: &SourceTensor, other_order: Option<&Config>) -> Result<Matrix, LoadError> {
    let [rows, cols] = tensor.dims[..] else {
        return Err(LoadError::of_tensor(tensor, LoadProblem::NotAMatrix { found: tensor.dims.clone() }));
    };
    let contents = |error| LoadError::of_tensor(tensor, LoadProblem::Contents(error));
    let mut values = checked::floats(tensor, "a factor of an adapter")?;
    if let Some(config) = other_order
        && rows % config.dims.head_dim == 0
    {
        let (head, before) = (Some(config.dims.head_dim), values.clone());
        for row in 0..rows {
            let halves = matrices::halves_row(row, head);
            let (to, from) = match config.rope.pairing {
                RopePairing::Adjacent => (row, halves),
                RopePairing::NeoX => (halves, row),
            };
            values[to * cols..][..cols].copy_from_slice(&before[from * cols..][..cols]);
        }
    }
    Matrix::from_f32(cpu, PackingKind::F32, rows, cols, &values).map_err(contents)
}

/// The factors of a file: pairs of tensors, each with the scale that `scale` finds for the name of the matrix and the
/// rank. `which` reads the name of a tensor: the matrix, and which factor of it.
fn pairs(
    label: &str,
    tensors: Vec<SourceTensor>,
    which: impl Fn(&SourceTensor) -> Option<(Role, Which)>,
    scale: impl Fn(&SourceTensor, usize) -> Result<f32, AdapterError>,
) -> Result<Vec<Factors>, AdapterError> {
    let mut found: Vec<((usize, Projection), [Option<SourceTensor>; 2])> = Vec::new();
    for tensor in tensors {
        let Some((Role::Matrix(block, projection), which)) = which(&tensor) else {
            return Err(LoadError::of_tensor(&tensor, LoadProblem::NoFactor).into());
        };
        let matrix = (block, projection);
        let at = found.iter().position(|(other, _)| *other == matrix).unwrap_or_else(|| {
            found.push((matrix, [None, None]));
            found.len() - 1
        });
        let place = &mut found[at].1[usize::from(which == Which::Up)];
        if let Some(first) = place {
            return Err(LoadError::of_tensor(&tensor, LoadProblem::SameRole { first: first.name.clone() }).into());
        }
        *place = Some(tensor);
    }
    if found.is_empty() {
        return Err(LoadError::of_file(label, LoadProblem::NoFactors).into());
    }
    let pair = |((block, projection), pair): ((usize, Projection), [Option<SourceTensor>; 2])| match pair {
        [Some(down), Some(up)] => {
            let rank = down.dims.first().copied().unwrap_or(0).max(1);
            let scale = scale(&down, rank)?;
            Ok(Factors { block, projection, down, up, scale })
        }
        [one, other] => {
            let only = one.or(other).expect("a matrix is there by one of its factors");
            Err(LoadError::of_tensor(&only, LoadProblem::OneFactor).into())
        }
    };
    found.into_iter().map(pair).collect()
}
