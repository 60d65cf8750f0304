//! Whether two files hold the same model, whatever types their tensors have and whichever of them is a directory.
//!
//! What belongs here: metadata compared by meaning, and tensors by the values that they stand for. What does not:
//! printing, and reading the files.
//!
//! A directory is compared in the words of a GGUF file: names, the order of rows, masters as the codes that loading
//! makes of them.
//!
//! A matrix is compared element by element as f32, its separate scale included: two ternary matrices are the same where
//! all codes and all scales are, in whichever types they are packed.

use super::inspect::shown;
use crate::description::{Projection, Role};
use crate::files::{Container, Description, DescriptionError, Encoding, Source, SourceTensor};
use crate::parallel::{self, Threads};
use crate::weights;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use trine_kernels::packing::I2sPacking;
use trine_kernels::{Matrix, PackingError};
use trine_loader::{TensorType, Value};
use trine_ops::Cpu;
use trine_text::TokenizerOptions;

/// How two files differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Keys whose values differ, or that one file lacks, in order.
    pub metadata: Vec<KeyDifference>,
    /// Every tensor of either file, those of the first in its order.
    pub tensors: Vec<TensorDifference>,
}

/// A key with another value in the second file.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDifference {
    /// The key.
    pub key: String,
    /// Its value in the first file, shortened; `None` where it has none.
    pub first: Option<String>,
    /// Its value in the second file.
    pub second: Option<String>,
}

/// A tensor in both files.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorDifference {
    /// Its name.
    pub name: String,
    /// Its type in the first file; `None` where it has no such tensor.
    pub first: Option<String>,
    /// Its type in the second file.
    pub second: Option<String>,
    /// How its values compare.
    pub values: Values,
}

/// How the values of two tensors compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// All are equal; zeros are, whatever their sign.
    Same,
    /// Some are not.
    Differ {
        /// Elements.
        elements: usize,
        /// Elements that are negative, zero or positive in one file and not in the other: ternary codes.
        signs: usize,
        /// Elements of the same sign and another magnitude: scales.
        magnitudes: usize,
        /// The largest difference.
        largest: f32,
    },
    /// The dimensions, outermost first, are not the same.
    Shapes(Vec<usize>, Vec<usize>),
    /// One file lacks the tensor.
    Missing,
    /// The contents of one are not valid, for this reason.
    Unreadable(String),
}

impl Difference {
    /// Whether the files hold the same model.
    pub fn is_none(&self) -> bool {
        self.metadata.is_empty() && self.tensors.iter().all(|tensor| tensor.values == Values::Same)
    }
}

/// What a model needs besides its files to be read.
#[derive(Clone, Copy, Debug)]
pub struct Side<'f> {
    /// The model.
    pub source: &'f dyn Source,
    /// How its I2_S tensors are packed.
    pub i2s_packing: I2sPacking,
}

/// Compares two models, on the threads of `cpu`. `tokenizer` says how the vocabulary of a directory is read. `progress`
/// is called after each tensor with the number of tensors done and their total.
///
/// # Errors
/// What a directory says of its model is not valid.
pub fn diff(
    first: Side<'_>,
    second: Side<'_>,
    tokenizer: &TokenizerOptions,
    cpu: &Cpu,
    progress: &dyn Fn(usize, usize),
) -> Result<Difference, DescriptionError> {
    let (first, second) = (View::new(first, tokenizer)?, View::new(second, tokenizer)?);
    let only_second = second.names.iter().filter(|name| !first.by_name.contains_key(*name));
    let names: Vec<&String> = first.names.iter().chain(only_second).collect();
    let mut tensors = Vec::with_capacity(names.len());
    let threads = Threads::of(cpu);
    for name in &names {
        tensors.push(threads.run(|| tensor(name, &first, &second)));
        progress(tensors.len(), names.len());
    }
    Ok(Difference { metadata: metadata(&first, &second), tensors })
}

/// A model in the words of a GGUF file.
struct View<'s> {
    side: Side<'s>,
    is_directory: bool,
    metadata: BTreeMap<String, Value>,
    /// As [`Description::interleave`].
    interleave: Option<usize>,
    /// Names of its tensors but for separate scales, in the order of the files.
    names: Vec<String>,
    by_name: HashMap<String, SourceTensor>,
    scales: HashMap<Role, SourceTensor>,
}

impl<'s> View<'s> {
    fn new(side: Side<'s>, tokenizer: &TokenizerOptions) -> Result<View<'s>, DescriptionError> {
        let Description { metadata, divisors, interleave, .. } = side.source.description(tokenizer)?;
        let is_directory = matches!(side.source.container(), Container::Safetensors { .. });
        let (mut names, mut by_name, mut scales) = (Vec::new(), HashMap::new(), HashMap::new());
        for tensor in side.source.tensors().into_iter().chain(divisors.map(|values| rope_frequencies(&values))) {
            if let Some(role @ Role::Scale(..)) = tensor.role {
                scales.insert(role, tensor);
                continue;
            }
            let name = match tensor.role {
                Some(role) if is_directory => role.to_string(),
                _ => tensor.name.clone(),
            };
            names.push(name.clone());
            by_name.insert(name, tensor);
        }
        let metadata = metadata.into_iter().collect();
        Ok(View { side, is_directory, metadata, interleave, names, by_name, scales })
    }
}

/// The tensor that a GGUF file has for divisors of RoPE frequencies.
fn rope_frequencies(divisors: &[f32]) -> SourceTensor {
    SourceTensor {
        name: Role::RopeFrequencies.to_string(),
        role: Some(Role::RopeFrequencies),
        dims: vec![divisors.len()],
        encoding: Encoding::Plain(TensorType::F32),
        file: Arc::from("config.json"),
        offset: 0,
        bytes: divisors.iter().copied().flat_map(f32::to_le_bytes).collect(),
        groups: None,
        parts: None,
    }
}

/// Keys that say how a file is made, not what the model is.
const OF_THE_FILE: [&str; 6] = [
    "general.alignment",
    "general.file_type",
    "general.quantization_version",
    "split.no",
    "split.count",
    "split.tensors.count",
];

/// Characters of a value that a difference shows.
const SHOWN: usize = 60;

/// The keys that differ; where one model is a directory and the other a file, of those that both have.
fn metadata(first: &View<'_>, second: &View<'_>) -> Vec<KeyDifference> {
    let all = first.metadata.keys().chain(second.metadata.keys()).collect::<BTreeSet<_>>();
    let value = |view: &View<'_>, key: &str| view.metadata.get(key).map(|value| shown(value, SHOWN));
    let differs = |key: &&String| match (first.metadata.get(*key), second.metadata.get(*key)) {
        (Some(first), Some(second)) => canonical(first) != canonical(second),
        _ => first.is_directory == second.is_directory,
    };
    let all = all.into_iter().filter(|key| !OF_THE_FILE.contains(&key.as_str())).filter(differs);
    all.map(|key| KeyDifference { first: value(first, key), second: value(second, key), key: key.clone() }).collect()
}

/// A value with its integer type forgotten: programs write counts as `u32`, `i32` or `u64`.
fn canonical(value: &Value) -> Value {
    match *value {
        Value::U8(n) => Value::I64(n.into()),
        Value::I8(n) => Value::I64(n.into()),
        Value::U16(n) => Value::I64(n.into()),
        Value::I16(n) => Value::I64(n.into()),
        Value::U32(n) => Value::I64(n.into()),
        Value::I32(n) => Value::I64(n.into()),
        Value::U64(n) => i64::try_from(n).map_or(Value::U64(n), Value::I64),
        ref other => other.clone(),
    }
}

fn tensor(name: &str, first: &View<'_>, second: &View<'_>) -> TensorDifference {
    let of = |view: &View<'_>| view.by_name.get(name).map(|tensor| tensor.encoding.to_string());
    let values = match (first.by_name.get(name), second.by_name.get(name)) {
        (Some(a), Some(b)) if a.dims != b.dims => Values::Shapes(a.dims.clone(), b.dims.clone()),
        (Some(a), Some(b)) => match (Rows::new(first, a), Rows::new(second, b)) {
            (Ok(a), Ok(b)) => compare(&a, &b),
            (Err(error), _) | (_, Err(error)) => Values::Unreadable(error.to_string()),
        },
        _ => Values::Missing,
    };
    TensorDifference { name: name.to_owned(), first: of(first), second: of(second), values }
}

/// A tensor as a matrix of all its rows in the order of a GGUF file, with its separate scale where it has one.
struct Rows {
    matrix: Matrix,
    interleave: Option<usize>,
}

impl Rows {
    fn new(view: &View<'_>, tensor: &SourceTensor) -> Result<Rows, PackingError> {
        let i2s = view.side.i2s_packing;
        let matrix = match tensor.role {
            Some(Role::Bias(block, projection)) => Rows::bias(view, tensor, block, projection)?,
            role => weights::scaled(tensor, role.and_then(Role::scale).and_then(|role| view.scales.get(&role)), i2s)?,
        };
        let is_rotated = match tensor.role {
            Some(Role::Matrix(_, projection) | Role::Bias(_, projection)) => projection.is_rotated(),
            _ => false,
        };
        let has_heads = |head: &usize| is_rotated && matrix.rows().is_multiple_of(*head);
        let interleave = view.interleave.filter(has_heads);
        Ok(Rows { matrix, interleave })
    }

    /// A bias as rows of one value each, times the scale of its matrix where that multiplies it.
    fn bias(
        view: &View<'_>,
        tensor: &SourceTensor,
        block: usize,
        projection: Projection,
    ) -> Result<Matrix, PackingError> {
        let i2s = view.side.i2s_packing;
        let bias = weights::packed(tensor, i2s, tensor.elements(), 1)?;
        let of_matrix = view.by_name.get(&Role::Matrix(block, projection).to_string());
        match (of_matrix, view.scales.get(&Role::Scale(block, projection))) {
            (Some(matrix), Some(scale)) if weights::scales_bias(matrix.encoding, projection, scale.encoding) => {
                bias.with_multiplier(weights::factor_of(scale, i2s)?)
            }
            _ => Ok(bias),
        }
    }

    fn decode(&self, row: usize, to: &mut [f32]) {
        self.matrix.decode_row(weights::halves_row(row, self.interleave), to);
    }
}

fn compare(a: &Rows, b: &Rows) -> Values {
    let (count, cols) = (a.matrix.rows(), a.matrix.cols());
    let sign = |value: f32| i8::from(value > 0.0) - i8::from(value < 0.0);
    let row = |(x, y): &mut (Vec<f32>, Vec<f32>), row| {
        a.decode(row, x);
        b.decode(row, y);
        x.iter().zip(y.iter()).filter(|(x, y)| x != y).fold((0, 0, 0.0f32), |(signs, magnitudes, largest), (x, y)| {
            let largest = largest.max((x - y).abs());
            if sign(*x) == sign(*y) { (signs, magnitudes + 1, largest) } else { (signs + 1, magnitudes, largest) }
        })
    };
    let rows = || (vec![0.0; cols], vec![0.0; cols]);
    let sum = |a: (usize, usize, f32), b: (usize, usize, f32)| (a.0 + b.0, a.1 + b.1, a.2.max(b.2));
    match parallel::map(count, rows, row).into_iter().fold((0, 0, 0.0), sum) {
        (0, 0, _) => Values::Same,
        (signs, magnitudes, largest) => Values::Differ { elements: count * cols, signs, magnitudes, largest },
    }
}
