//! Safetensors files, and directories of several with an index: read with every byte accounted for.
//!
//! Here belong the checks of the container: where tensors lie and how long they are. What names and contents mean
//! belongs to other crates.

mod dtype;
mod error;
mod header;
mod index;

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use crate::{Access, Foreign, map};
pub use dtype::Dtype;
pub use error::{SafetensorsError, SafetensorsProblem};
use header::{Header, Line};
pub use index::SafetensorsModel;

/// Longest JSON of a header or an index in bytes: a hundred times that of a model of 70 billion weights.
const JSON_BYTES: u64 = 16 << 20;

/// Most files that an index names.
const SHARDS: usize = 1024;

/// Bytes of the number before the header: its length.
const LENGTH_BYTES: u64 = 8;

/// A safetensors file whose structure has been checked completely: every name stands once, every tensor has the exact
/// bytes that its type and shape ask for, and tensors fill the file from the end of the header to the last byte.
///
/// Tensor contents are not looked at.
#[derive(Debug)]
pub struct Safetensors {
    file: Arc<str>,
    bytes: Bytes,
    tensors: Vec<SafetensorsInfo>,
}

/// A tensor of a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SafetensorsInfo {
    /// Its name.
    pub name: String,
    /// The lengths of its axes, outermost first; none for a single number.
    pub shape: Vec<usize>,
    /// Its element type.
    pub dtype: Dtype,
    /// The first byte of its data, counted from the start of the file.
    pub offset: u64,
    /// The exact length of its data in bytes.
    pub len: u64,
}

impl Safetensors {
    /// Maps the file at `path` into memory, or copies it, and checks it. [`Access::Map`] says what must not happen to a
    /// file while it is mapped.
    ///
    /// # Errors
    /// [`SafetensorsError`] where the file cannot be read or breaks a rule of the format.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Safetensors, SafetensorsError> {
        let path = path.as_ref();
        let file: Arc<str> = path.display().to_string().into();
        let fail = |problem| SafetensorsError::new(&file, SafetensorsProblem::File(problem));
        let bytes = map::bytes_of(path, access).map_err(fail)?;
        Safetensors::parse(file, bytes)
    }

    /// Checks a file that is in memory already; `label` stands for its path in errors.
    ///
    /// # Errors
    /// [`SafetensorsError`] where the bytes break a rule of the format.
    pub fn from_bytes(label: impl Into<String>, bytes: Bytes) -> Result<Safetensors, SafetensorsError> {
        Safetensors::parse(label.into().into(), bytes)
    }

    fn parse(file: Arc<str>, bytes: Bytes) -> Result<Safetensors, SafetensorsError> {
        let header = header_bytes(&bytes).map_err(|problem| SafetensorsError::new(&file, problem))?;
        let json = |error: serde_json::Error| {
            let problem = SafetensorsProblem::Json { message: error.to_string() };
            SafetensorsError::new(&file, problem).at(LENGTH_BYTES)
        };
        // A copy: text that was checked must not change, as it could where the file is mapped.
        let header = header.to_vec();
        let Header { lines } = serde_json::from_slice(&header).map_err(json)?;
        let data = LENGTH_BYTES + header.len() as u64;
        let tensors = place(&file, lines, data, bytes.len() as u64)?;
        Ok(Safetensors { file, bytes, tensors })
    }

    /// The path of the file, or the name given to [`Safetensors::from_bytes`].
    pub fn label(&self) -> &str {
        &self.file
    }

    /// The length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The tensors in the order of their data.
    pub fn tensors(&self) -> &[SafetensorsInfo] {
        &self.tensors
    }

    /// The bytes of a tensor of this file, not copied: they keep the memory map alive.
    ///
    /// # Panics
    /// Where `tensor` comes from another file and lies outside of this one.
    pub fn bytes(&self, tensor: &SafetensorsInfo) -> Bytes {
        // Of a tensor of this file, both ends are at most `bytes.len()`: `place` has compared them.
        self.bytes.slice(tensor.offset as usize..(tensor.offset + tensor.len) as usize)
    }
}

/// The JSON of the header, padding included.
fn header_bytes(bytes: &[u8]) -> Result<&[u8], SafetensorsProblem> {
    let truncated = |expected, found| SafetensorsProblem::Truncated { expected, found };
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(truncated(LENGTH_BYTES, bytes.len() as u64));
    };
    let (length, left) = (u64::from_le_bytes(*length), rest.len() as u64);
    if rest.first().is_some_and(|first| *first != b'{') || length > JSON_BYTES {
        return Err(match Foreign::sniff(bytes) {
            Some(Foreign::Safetensors) => SafetensorsProblem::TooLong { found: length },
            found => SafetensorsProblem::NotSafetensors { found: found.unwrap_or(Foreign::Unknown(*b"GGUF")) },
        });
    }
    if length > left {
        return Err(truncated(length, left));
    }
    Ok(&rest[..length as usize])
}

/// Turns the lines of a header into tensors that lie side by side from `data`, where the header ends, to the last byte.
fn place(
    file: &Arc<str>,
    mut lines: Vec<(String, Line)>,
    data: u64,
    file_len: u64,
) -> Result<Vec<SafetensorsInfo>, SafetensorsError> {
    let fail = |name: &str, problem| Err(SafetensorsError::new(file, problem).of(name));
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(pair) = lines.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let message = "the name stands twice".to_owned();
        return fail(&pair[0].0, SafetensorsProblem::Json { message });
    }
    lines.sort_by_key(|(_, line)| line.data_offsets);
    let mut tensors = Vec::with_capacity(lines.len());
    let mut end_before = 0;
    for (name, Line { dtype, shape, data_offsets: [begin, end] }) in lines {
        let Some(dtype) = Dtype::from_name(&dtype) else {
            return fail(&name, SafetensorsProblem::Dtype { found: dtype });
        };
        let shape = shape.0;
        let elements = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n));
        let expected = elements.and_then(|n| n.checked_mul(dtype.bytes())).filter(|&n| isize::try_from(n).is_ok());
        let Some(expected) = expected else {
            return fail(&name, SafetensorsProblem::TooLarge { shape });
        };
        if begin.checked_add(expected) != Some(end) {
            return fail(&name, SafetensorsProblem::Length { shape, dtype, expected, begin, end });
        }
        if begin != end_before {
            return fail(&name, SafetensorsProblem::Place { expected: end_before, found: begin });
        }
        end_before = end;
        let offset = data.saturating_add(begin);
        // A length beside one of 0 may be larger than their product.
        let Ok(shape) = shape.iter().map(|&n| usize::try_from(n)).collect() else {
            return fail(&name, SafetensorsProblem::TooLarge { shape });
        };
        tensors.push(SafetensorsInfo { name, shape, dtype, offset, len: expected });
    }
    let expected = data.saturating_add(end_before);
    if expected != file_len {
        let problem = SafetensorsProblem::FileLength { expected, found: file_len };
        return Err(SafetensorsError::new(file, problem));
    }
    Ok(tensors)
}
