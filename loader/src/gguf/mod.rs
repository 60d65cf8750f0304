//! GGUF files, parsed and checked: one file, or a model that is split over several.
//!
//! Here the checks of the submodules are put in order; the checks themselves and the byte encodings belong to them.

mod error;
mod layout;
pub mod limits;
mod metadata;
mod parse;
mod parts;
mod reader;
mod resolve;
mod value;
mod writer;

pub(crate) use error::Quoted;
pub use error::{GgufError, Place, Problem};
pub use metadata::{FromValue, Metadata};
pub use resolve::TypeLayout;
pub use value::{Array, StringArray, Value, ValueType};
pub use writer::{GgufWriter, WriteError};

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use parts::Part;
use resolve::{Layouts, Sited};

use crate::{Access, TensorInfo, map};

/// A GGUF file whose structure has been checked completely: every key and every tensor exists once, every tensor has
/// the exact bytes that its type and shape ask for, and no byte of the data section belongs to nothing.
///
/// A model that llama.cpp's `gguf-split` cut into files `NAME-00001-of-0000N.gguf` is one `Gguf`: its metadata is that
/// of the first file, its tensors are those of all of them.
///
/// Tensor contents are not looked at, so opening takes no time proportional to them.
#[derive(Debug)]
pub struct Gguf {
    version: u32,
    alignment: u64,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    /// Indices of `tensors`, sorted by name.
    by_name: Vec<usize>,
    layouts: Vec<TypeLayout>,
    /// Label and bytes of each file; there is at least one.
    files: Vec<(Arc<str>, Bytes)>,
}

impl Gguf {
    /// Maps the file at `path` into memory and checks it; of a split model, the first of its files, and the others
    /// beside it. [`Access::Map`] says what must not happen to a file while it is mapped.
    ///
    /// # Errors
    /// [`GgufError`] where a file cannot be read or breaks a rule of the format.
    pub fn open(path: impl AsRef<Path>) -> Result<Gguf, GgufError> {
        Gguf::open_with(path, Access::Map)
    }

    /// As [`Gguf::open`], with the bytes mapped or copied.
    ///
    /// # Errors
    /// As [`Gguf::open`].
    pub fn open_with(path: impl AsRef<Path>, access: Access) -> Result<Gguf, GgufError> {
        let path = path.as_ref();
        let first = open_part(path, access)?;
        let count = first.count()?;
        let mut paths = match count {
            1 => None,
            _ => Some(parts::paths(path, count).ok_or_else(|| first.fail(Problem::NamesOfParts { count }))?),
        };
        let first_path = paths.as_mut().and_then(Iterator::next);
        if let Some(number @ 1..) = first.number()? {
            let first_path = first_path.map(|path| path.display().to_string());
            return Err(first.fail(Problem::NotTheFirst { number, count, first: first_path }));
        }
        Gguf::join(first, paths.into_iter().flatten().map(|path| open_part(&path, access)))
    }

    /// Checks a file that is in memory already; `label` stands for its path in errors.
    ///
    /// # Errors
    /// [`GgufError`] where the bytes break a rule of the format, or are one file of a split model.
    pub fn from_bytes(label: impl Into<String>, bytes: Bytes) -> Result<Gguf, GgufError> {
        let part = Part::parse(label.into().into(), bytes)?;
        match part.count()? {
            1 => Gguf::join(part, std::iter::empty()),
            count => Err(part.fail(Problem::NamesOfParts { count })),
        }
    }

    fn join(first: Part, others: impl Iterator<Item = Result<Part, GgufError>>) -> Result<Gguf, GgufError> {
        let mut parts = vec![first];
        for (number, other) in others.enumerate() {
            let other = other?;
            other.belongs_to(&parts[0], number as u64 + 1)?;
            parts.push(other);
        }
        let layouts = Layouts::of(&parts.iter().flat_map(Part::sited).collect::<Vec<Sited<'_>>>())?;
        let mut tensors = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            tensors.extend(part.tensors(&layouts)?.into_iter().map(|tensor| TensorInfo { file: index, ..tensor }));
        }
        if parts.len() > 1 {
            parts[0].has_all(tensors.len() as u64)?;
        }
        let files: Vec<_> = parts.iter().map(|part| (part.file.clone(), part.bytes.clone())).collect();
        let by_name = by_name(&files, &tensors)?;
        let Part { version, alignment, metadata, .. } = parts.swap_remove(0);
        Ok(Gguf { version, alignment, metadata, tensors, by_name, layouts: layouts.chosen(), files })
    }

    /// The path of the file, or the name given to [`Gguf::from_bytes`]; of a split model, the first file's.
    pub fn label(&self) -> &str {
        &self.files[0].0
    }

    /// The path of the file that has the data of a tensor.
    ///
    /// # Panics
    /// Where `tensor` comes from another model with more files than this one.
    pub fn label_of(&self, tensor: &TensorInfo) -> &str {
        &self.files[tensor.file].0
    }

    /// The number of files: 1, or that of the parts of a split model.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// All bytes of a file of the model, not copied.
    ///
    /// # Panics
    /// If `index` is not below [`Gguf::files`].
    pub fn file_bytes(&self, index: usize) -> Bytes {
        self.files[index].1.clone()
    }

    /// The version of the format: 2 or 3. They differ in nothing else.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The alignment of tensor data in bytes.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// The length of the file in bytes, or of all files together.
    pub fn file_len(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// The metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tensors in the order of the tensor table; none in a vocabulary-only file.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// What the type numbers of the tensor table mean in this model, of those under which several layouts are read:
    /// 42, which is Q2_0 in groups of 64 or of 128. The lengths of the tensors have decided it.
    pub fn layouts(&self) -> &[TypeLayout] {
        &self.layouts
    }

    /// The tensor with this name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        let found = self.by_name.binary_search_by_key(&name, |&index| &self.tensors[index].name).ok()?;
        Some(&self.tensors[self.by_name[found]])
    }

    /// The bytes of a tensor of this file, not copied: they keep the memory map alive. What they mean is its
    /// [`kind`](TensorInfo::kind); a program that wants numbers reads them by it with `Parameters` of `trine-model`.
    ///
    /// # Panics
    /// Where `tensor` comes from another file and lies outside of this one.
    pub fn bytes(&self, tensor: &TensorInfo) -> Bytes {
        // Of a tensor of this file, both ends are at most the file's length: `layout::place` has compared them.
        self.files[tensor.file].1.slice(tensor.offset as usize..(tensor.offset + tensor.len) as usize)
    }
}

fn open_part(path: &Path, access: Access) -> Result<Part, GgufError> {
    let file: Arc<str> = path.display().to_string().into();
    let bytes =
        map::bytes_of(path, access).map_err(|error| GgufError::new(&file, Place::File, None, Problem::Open(error)))?;
    Part::parse(file, bytes)
}

/// The indices of the tensors sorted by name, or an error where two files have a tensor of one name.
fn by_name(files: &[(Arc<str>, Bytes)], tensors: &[TensorInfo]) -> Result<Vec<usize>, GgufError> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&index| &tensors[index].name);
    let twice = order.windows(2).find(|pair| tensors[pair[0]].name == tensors[pair[1]].name);
    match twice {
        Some(&[first, second]) => {
            let TensorInfo { name, file, offset, .. } = &tensors[second];
            let problem = Problem::InTwoFiles { other: files[tensors[first].file].0.to_string() };
            Err(GgufError::new(&files[*file].0, Place::Tensor(name.clone()), Some(*offset), problem))
        }
        _ => Ok(order),
    }
}
