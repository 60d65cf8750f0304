//! Whether two files hold the same model, whatever types their tensors have.
//!
//! What belongs here: metadata compared by meaning, and tensors by the values that they stand for. What does not:
//! printing, and reading the files.
//!
//! A matrix is compared element by element as f32, its separate scale included: two ternary matrices are the same where
//! all codes and all scales are, in whichever types they are packed.

use crate::inspect::shown;
use crate::parallel;
use crate::role::Role;
use crate::weights::of_file;
use std::collections::BTreeSet;
use trine_kernels::packing::{I2sPacking, WeightScale};
use trine_kernels::{Matrix, PackingError};
use trine_loader::{Gguf, TensorInfo, Value};

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

/// What a file needs besides its bytes to be read.
#[derive(Clone, Copy, Debug)]
pub struct Side<'f> {
    /// The file.
    pub file: &'f Gguf,
    /// How its I2_S tensors are packed.
    pub i2s_packing: I2sPacking,
}

/// Compares two files. `progress` is called after each tensor with the number of tensors done and their total.
pub fn diff(first: Side<'_>, second: Side<'_>, progress: &dyn Fn(usize, usize)) -> Difference {
    let is_scale = |tensor: &&TensorInfo| matches!(Role::from_name(&tensor.name), Some(Role::Scale(..)));
    let names = first.file.tensors().iter().filter(|tensor| !is_scale(tensor));
    let only_second = second.file.tensors().iter().filter(|tensor| !is_scale(tensor));
    let only_second = only_second.filter(|tensor| first.file.tensor(&tensor.name).is_none());
    let names: Vec<&str> = names.chain(only_second).map(|tensor| tensor.name.as_str()).collect();
    let mut tensors = Vec::with_capacity(names.len());
    for name in &names {
        tensors.push(tensor(name, first, second));
        progress(tensors.len(), names.len());
    }
    Difference { metadata: metadata(first.file, second.file), tensors }
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

fn metadata(first: &Gguf, second: &Gguf) -> Vec<KeyDifference> {
    let keys = |file: &'_ Gguf| file.metadata().iter().map(|(key, _)| key.to_owned()).collect::<BTreeSet<String>>();
    let all = keys(first).into_iter().chain(keys(second)).collect::<BTreeSet<_>>();
    let differs = |key: &String| {
        let (first, second) = (first.metadata().get(key), second.metadata().get(key));
        first.map(canonical) != second.map(canonical)
    };
    let value = |file: &Gguf, key: &str| file.metadata().get(key).map(|value| shown(value, SHOWN));
    let all = all.into_iter().filter(|key| !OF_THE_FILE.contains(&key.as_str()) && differs(key));
    all.map(|key| KeyDifference { first: value(first, &key), second: value(second, &key), key }).collect()
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

fn tensor(name: &str, first: Side<'_>, second: Side<'_>) -> TensorDifference {
    let of = |side: Side<'_>| side.file.tensor(name).map(|tensor| tensor.kind.to_string());
    let values = match (first.file.tensor(name), second.file.tensor(name)) {
        (Some(a), Some(b)) if a.ne != b.ne => Values::Shapes(a.ne.row_major(), b.ne.row_major()),
        (Some(a), Some(b)) => match (read(first, a), read(second, b)) {
            (Ok(a), Ok(b)) => compare(&a, &b),
            (Err(error), _) | (_, Err(error)) => Values::Unreadable(error.to_string()),
        },
        _ => Values::Missing,
    };
    TensorDifference { name: name.to_owned(), first: of(first), second: of(second), values }
}

/// A tensor as a matrix of all its rows, with its separate scale where it has one.
fn read(side: Side<'_>, tensor: &TensorInfo) -> Result<Matrix, PackingError> {
    let cols = tensor.ne.fastest();
    let size = (tensor.ne.elements() / cols, cols);
    let matrix = of_file(tensor.kind, side.i2s_packing, size, side.file.bytes(tensor))?;
    let Some(Role::Matrix(block, projection)) = Role::from_name(&tensor.name) else { return Ok(matrix) };
    let wanted = Some(Role::Scale(block, projection));
    match side.file.tensors().iter().find(|tensor| Role::from_name(&tensor.name) == wanted) {
        Some(scale) => {
            let mut multiplier = [0.0];
            of_file(scale.kind, side.i2s_packing, (1, 1), side.file.bytes(scale))?.decode_row(0, &mut multiplier);
            matrix.with_multiplier(WeightScale::new(multiplier[0])?)
        }
        None => Ok(matrix),
    }
}

fn compare(a: &Matrix, b: &Matrix) -> Values {
    let sign = |value: f32| i8::from(value > 0.0) - i8::from(value < 0.0);
    let row = |(x, y): &mut (Vec<f32>, Vec<f32>), row| {
        a.decode_row(row, x);
        b.decode_row(row, y);
        x.iter().zip(y.iter()).filter(|(x, y)| x != y).fold((0, 0, 0.0f32), |(signs, magnitudes, largest), (x, y)| {
            let largest = largest.max((x - y).abs());
            if sign(*x) == sign(*y) { (signs, magnitudes + 1, largest) } else { (signs + 1, magnitudes, largest) }
        })
    };
    let rows = || (vec![0.0; a.cols()], vec![0.0; b.cols()]);
    let sum = |a: (usize, usize, f32), b: (usize, usize, f32)| (a.0 + b.0, a.1 + b.1, a.2.max(b.2));
    match parallel::map(a.rows(), rows, row).into_iter().fold((0, 0, 0.0), sum) {
        (0, 0, _) => Values::Same,
        (signs, magnitudes, largest) => Values::Differ { elements: a.rows() * a.cols(), signs, magnitudes, largest },
    }
}
