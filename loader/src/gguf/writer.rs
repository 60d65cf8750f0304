//! Writes GGUF files: metadata and tensors in the order in which they were given.
//!
//! A file that this module writes is one that the reader accepts: both share the limits, the shapes and the table of
//! types. Making tensor contents belongs to those who call it.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::Path,
};

use bytes::Bytes;

use super::{
    Array, Value,
    error::Quoted,
    layout::{Room, align_up},
    limits, resolve,
};
use crate::{Ne, ShapeError, TensorType, write_output};

const ALIGNMENT_KEY: &str = "general.alignment";

/// Collects a GGUF file and writes it.
///
/// Tensor contents are held as [`Bytes`], so those of a mapped file are not copied.
#[derive(Debug)]
pub struct GgufWriter {
    version: u32,
    alignment: u64,
    metadata: Vec<(String, Value)>,
    keys: HashSet<String>,
    tensors: Vec<Tensor>,
    names: HashSet<String>,
}

#[derive(Debug)]
struct Tensor {
    name: String,
    ne: Ne,
    kind: TensorType,
    bytes: Bytes,
}

impl Default for GgufWriter {
    fn default() -> GgufWriter {
        GgufWriter::new()
    }
}

impl GgufWriter {
    /// An empty file of version 3 with the default alignment of 32 bytes.
    pub fn new() -> GgufWriter {
        GgufWriter {
            version: 3,
            alignment: limits::DEFAULT_ALIGNMENT,
            metadata: Vec::new(),
            keys: HashSet::new(),
            tensors: Vec::new(),
            names: HashSet::new(),
        }
    }

    /// Sets the version of the format.
    ///
    /// # Errors
    /// [`WriteError::Version`] unless it is 2 or 3.
    pub fn version(&mut self, version: u32) -> Result<&mut GgufWriter, WriteError> {
        if !(2..=3).contains(&version) {
            return Err(WriteError::Version { found: version });
        }
        self.version = version;
        Ok(self)
    }

    /// Appends a metadata entry. `general.alignment`, a `u32`, also sets the alignment of the tensor data.
    ///
    /// # Errors
    /// [`WriteError::NameLength`], [`WriteError::DuplicateKey`], [`WriteError::Nesting`], [`WriteError::Alignment`].
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Result<&mut GgufWriter, WriteError> {
        let (key, value) = (key.into(), value.into());
        check_name("metadata key", &key, limits::KEY_BYTES)?;
        if let Value::Array(array) = &value
            && array.depth() > limits::ARRAY_DEPTH
        {
            return Err(WriteError::Nesting { key });
        }
        if key == ALIGNMENT_KEY {
            self.alignment = match value {
                Value::U32(alignment) if limits::is_alignment(alignment.into()) => alignment.into(),
                Value::U32(found) => return Err(WriteError::Alignment { found: found.to_string() }),
                other => return Err(WriteError::Alignment { found: other.value_type().name().to_owned() }),
            };
        }
        if !self.keys.insert(key.clone()) {
            return Err(WriteError::DuplicateKey { key });
        }
        self.metadata.push((key, value));
        Ok(self)
    }

    /// Appends a tensor with dimensions in row-major order, the slowest first: `[R, K]` for `R` outputs, `K` inputs.
    ///
    /// # Errors
    /// [`WriteError::NameLength`], [`WriteError::DuplicateTensor`], [`WriteError::Shape`], and
    /// [`WriteError::TensorLength`] where `bytes` are not exactly as many as type and shape ask for.
    pub fn tensor(
        &mut self,
        name: impl Into<String>,
        row_major: &[usize],
        kind: TensorType,
        bytes: impl Into<Bytes>,
    ) -> Result<&mut GgufWriter, WriteError> {
        let (name, bytes) = (name.into(), bytes.into());
        check_name("tensor name", &name, limits::TENSOR_NAME_BYTES)?;
        let shape_error = |error| WriteError::Shape { tensor: name.clone(), error };
        let ne = Ne::from_row_major(row_major).map_err(shape_error)?;
        let expected = kind.byte_len(&ne).map_err(shape_error)?;
        let found = bytes.len() as u64;
        if found != expected {
            return Err(WriteError::TensorLength { tensor: name, kind, expected, found });
        }
        if !self.names.insert(name.clone()) {
            return Err(WriteError::DuplicateTensor { tensor: name });
        }
        self.tensors.push(Tensor { name, ne, kind, bytes });
        Ok(self)
    }

    /// That the lengths of the tensors tell a reader their layout, where their number has several.
    fn check_layouts(&self) -> Result<(), WriteError> {
        for kind in TensorType::all() {
            let tensors = self.tensors.iter().filter(|tensor| tensor.kind == kind);
            let room = |tensor: &Tensor| Room::of_padded(tensor.bytes.len() as u64, self.alignment);
            let sizes: Vec<(&Ne, Room)> = tensors.clone().map(|tensor| (&tensor.ne, room(tensor))).collect();
            if let Some(largest) = tensors.max_by_key(|tensor| tensor.bytes.len())
                && resolve::fitting(kind.id(), &sizes).len() > 1
            {
                return Err(WriteError::Layout { tensor: largest.name.clone(), kind, alignment: self.alignment });
            }
        }
        Ok(())
    }

    /// Writes the file to a stream, which need not be seekable.
    ///
    /// # Errors
    /// Those of the stream, and [`WriteError::Layout`] as an [`io::ErrorKind::InvalidInput`].
    pub fn write_to(&self, stream: &mut impl Write) -> io::Result<()> {
        self.check_layouts().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let mut header = Vec::new();
        self.encode_header(&mut header);
        stream.write_all(&header)?;
        if !self.tensors.is_empty() {
            self.pad(stream, header.len() as u64)?;
        }
        for tensor in &self.tensors {
            stream.write_all(&tensor.bytes)?;
            self.pad(stream, tensor.bytes.len() as u64)?;
        }
        stream.flush()
    }

    /// Writes the file at `path`, whole or not at all; a file that was there before stays intact for those who have it
    /// mapped. Pipes and devices get the bytes as they come, as [`write_output`] says.
    ///
    /// # Errors
    /// [`WriteError::Io`], which names the path, and [`WriteError::Layout`].
    pub fn write_file(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        self.check_layouts()?;
        let path = path.as_ref();
        write_output(path, |stream| self.write_to(stream))
            .map_err(|error| WriteError::Io { path: path.display().to_string(), error })
    }

    fn pad(&self, stream: &mut impl Write, written: u64) -> io::Result<()> {
        let padding = align_up(written, self.alignment) - written;
        io::copy(&mut io::Read::take(io::repeat(0), padding), stream).map(|_| ())
    }

    /// Everything before the tensor data.
    fn encode_header(&self, to: &mut Vec<u8>) {
        to.extend(b"GGUF");
        to.extend(self.version.to_le_bytes());
        to.extend((self.tensors.len() as u64).to_le_bytes());
        to.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            encode_string(to, key);
            to.extend((value.value_type() as u32).to_le_bytes());
            encode_value(to, value);
        }
        let mut offset = 0;
        for Tensor { name, ne, kind, bytes } in &self.tensors {
            encode_string(to, name);
            to.extend((ne.file_order().count() as u32).to_le_bytes());
            ne.file_order().for_each(|n| to.extend((n as u64).to_le_bytes()));
            to.extend(kind.id().to_le_bytes());
            to.extend(u64::to_le_bytes(offset));
            offset = align_up(offset + bytes.len() as u64, self.alignment);
        }
    }
}

fn check_name(what: &'static str, name: &str, limit: u64) -> Result<(), WriteError> {
    match name.len() as u64 {
        found if found == 0 || found > limit => {
            Err(WriteError::NameLength { what, name: name.to_owned(), limit, found })
        }
        _ => Ok(()),
    }
}

fn encode_string(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u64).to_le_bytes());
    to.extend(text.as_bytes());
}

fn encode_value(to: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(n) => to.extend(n.to_le_bytes()),
        Value::I8(n) => to.extend(n.to_le_bytes()),
        Value::U16(n) => to.extend(n.to_le_bytes()),
        Value::I16(n) => to.extend(n.to_le_bytes()),
        Value::U32(n) => to.extend(n.to_le_bytes()),
        Value::I32(n) => to.extend(n.to_le_bytes()),
        Value::F32(n) => to.extend(n.to_le_bytes()),
        Value::Bool(truth) => to.push((*truth).into()),
        Value::String(text) => encode_string(to, text),
        Value::Array(array) => encode_array(to, array),
        Value::U64(n) => to.extend(n.to_le_bytes()),
        Value::I64(n) => to.extend(n.to_le_bytes()),
        Value::F64(n) => to.extend(n.to_le_bytes()),
    }
}

fn encode_array(to: &mut Vec<u8>, array: &Array) {
    to.extend((array.element_type() as u32).to_le_bytes());
    to.extend((array.len() as u64).to_le_bytes());
    match array {
        Array::U8(v) => to.extend(v),
        Array::I8(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::U16(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::I16(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::U32(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::I32(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::F32(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::Bool(v) => to.extend(v.iter().map(|&truth| u8::from(truth))),
        Array::String(v) => v.iter().for_each(|text| encode_string(to, text)),
        Array::Array(v) => v.iter().for_each(|inner| encode_array(to, inner)),
        Array::U64(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::I64(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        Array::F64(v) => to.extend(v.iter().flat_map(|n| n.to_le_bytes())),
    }
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A version that is not written.
    #[error("expected GGUF version 2 or 3, found version {found}")]
    Version {
        /// The version asked for.
        found: u32,
    },
    /// An empty or overlong name.
    #[error("expected a {what} of 1 to {limit} bytes, found {} of {found}", Quoted(.name))]
    NameLength {
        /// Which name.
        what: &'static str,
        /// The name.
        name: String,
        /// Longest allowed length in bytes.
        limit: u64,
        /// Its length in bytes.
        found: u64,
    },
    /// A key that was set already.
    #[error("metadata key {} was set twice", Quoted(.key))]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Arrays within arrays within arrays.
    #[error(
        "metadata key {}: expected arrays nested at most {limit} deep, found more",
        Quoted(.key),
        limit = limits::ARRAY_DEPTH
    )]
    Nesting {
        /// The key.
        key: String,
    },
    /// A value of `general.alignment` that is none.
    #[error(
        "metadata key {ALIGNMENT_KEY:?}: expected a u32 that is a power of two from {least} to {most}, found {found}",
        least = limits::SMALLEST_ALIGNMENT,
        most = limits::LARGEST_ALIGNMENT
    )]
    Alignment {
        /// The value.
        found: String,
    },
    /// A tensor that was added already.
    #[error("tensor {} was added twice", Quoted(.tensor))]
    DuplicateTensor {
        /// Its name.
        tensor: String,
    },
    /// Dimensions that are invalid, or that do not fit the type.
    #[error("tensor {}: {error}", Quoted(.tensor))]
    Shape {
        /// Its name.
        tensor: String,
        /// What is wrong with them.
        error: ShapeError,
    },
    /// Contents of another length than type and shape ask for.
    #[error("tensor {}: expected {expected} bytes of {kind}, found {found}", Quoted(.tensor))]
    TensorLength {
        /// Its name.
        tensor: String,
        /// Its element type.
        kind: TensorType,
        /// Bytes that type and shape ask for.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// Tensors so small that padding hides which layout they have, of a type whose number has several.
    #[error(
        "tensor {}: {kind} shares its type id with another layout, and no tensor of it is large enough to tell which, \
         as both take as many bytes with an alignment of {alignment}; choose another type",
        Quoted(.tensor)
    )]
    Layout {
        /// The largest of them.
        tensor: String,
        /// Their element type.
        kind: TensorType,
        /// The alignment of the file.
        alignment: u64,
    },
    /// The operating system refused.
    #[error("{path}: cannot write it: {error}")]
    Io {
        /// The path of the file.
        path: String,
        /// What the operating system said.
        error: io::Error,
    },
}
