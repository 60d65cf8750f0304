//! A GGUF file, parsed and checked.
//!
//! Here the checks of the other modules are put in order; the checks themselves and the byte encodings belong to them.

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use crate::{GgufError, Metadata, Place, Problem, TensorInfo, layout, map, parse, reader::Reader};

/// A GGUF file whose structure has been checked completely: every key and every tensor exists once, every tensor has
/// the exact bytes that its type and shape ask for, and no byte of the data section belongs to nothing.
///
/// Tensor contents are not looked at, so opening takes no time proportional to them.
#[derive(Debug)]
pub struct Gguf {
    file: Arc<str>,
    bytes: Bytes,
    version: u32,
    alignment: u64,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    /// Indices of `tensors`, sorted by name.
    by_name: Vec<usize>,
}

impl Gguf {
    /// Maps the file at `path` into memory and checks it.
    ///
    /// The file must not be shortened or rewritten in place while this value or any [`Bytes`] of it lives: its tensors
    /// would change under the program, and reading beyond a shortened file ends the process. Replacing the file by
    /// renaming another one over it, as [`GgufWriter::write_file`](crate::GgufWriter::write_file) does, is safe.
    ///
    /// # Errors
    /// [`GgufError`] where the file cannot be read or breaks a rule of the format.
    pub fn open(path: impl AsRef<Path>) -> Result<Gguf, GgufError> {
        let path = path.as_ref();
        let file: Arc<str> = path.display().to_string().into();
        let bytes = map::map(path).map_err(|problem| GgufError::new(&file, Place::File, None, problem))?;
        Gguf::parse(file, bytes)
    }

    /// Checks a file that is in memory already; `label` stands for its path in errors.
    ///
    /// # Errors
    /// [`GgufError`] where the bytes break a rule of the format.
    pub fn from_bytes(label: impl Into<String>, bytes: Bytes) -> Result<Gguf, GgufError> {
        Gguf::parse(label.into().into(), bytes)
    }

    fn parse(file: Arc<str>, bytes: Bytes) -> Result<Gguf, GgufError> {
        let mut reader = Reader::new(&file, &bytes);
        let header = parse::header(&mut reader, &bytes)?;
        let metadata = Metadata::new(file.clone(), parse::entries(&mut reader, header.entries)?)?;
        let alignment = layout::alignment(&metadata)?;
        let lines = parse::tensor_table(&mut reader, header.tensors)?;
        let by_name = by_name(&file, &lines)?;
        let tensors = layout::place(&file, lines, reader.position(), alignment, bytes.len() as u64)?;
        Ok(Gguf { version: header.version, alignment, metadata, tensors, by_name, file, bytes })
    }

    /// The path of the file, or the name given to [`Gguf::from_bytes`].
    pub fn label(&self) -> &str {
        &self.file
    }

    /// The version of the format: 2 or 3. They differ in nothing else.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The alignment of tensor data in bytes.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// The length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tensors in the order of the tensor table; none in a vocabulary-only file.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor with this name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        let found = self.by_name.binary_search_by_key(&name, |&index| &self.tensors[index].name).ok()?;
        Some(&self.tensors[self.by_name[found]])
    }

    /// The bytes of a tensor of this file, not copied: they keep the memory map alive.
    ///
    /// # Panics
    /// Where `tensor` comes from another file and lies outside of this one.
    pub fn bytes(&self, tensor: &TensorInfo) -> Bytes {
        // Of a tensor of this file, both ends are at most `bytes.len()`: `layout::place` has compared them.
        self.bytes.slice(tensor.offset as usize..(tensor.offset + tensor.len) as usize)
    }
}

/// The indices of the tensors sorted by name, or an error where a name occurs twice.
fn by_name(file: &Arc<str>, lines: &[parse::Line]) -> Result<Vec<usize>, GgufError> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| &lines[index].name);
    let twice = order.windows(2).find(|pair| lines[pair[0]].name == lines[pair[1]].name);
    match twice {
        Some(&[first, second]) => {
            let problem = Problem::Duplicate { first: lines[first].at };
            Err(GgufError::new(file, Place::Tensor(lines[second].name.clone()), Some(lines[second].at), problem))
        }
        _ => Ok(order),
    }
}
