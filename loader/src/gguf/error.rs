//! What can be wrong with a file that is read, and where.
//!
//! Every error of reading is one [`GgufError`]: the file, the place in it, the byte offset, and the [`Problem`].
//! Errors of writing belong to `writer`; the checks themselves belong to the modules that make them.

use std::{fmt, sync::Arc};

use super::limits;
use crate::{Foreign, OpenError, ShapeError, TensorType};

/// A file that cannot be read as GGUF, or a metadata entry that is not what was asked for.
///
/// Printed as one line: `FILE: PLACE, byte OFFSET: PROBLEM`, without the parts that do not apply.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {}{problem}", Whereabouts(.place, *.offset))]
pub struct GgufError {
    file: Arc<str>,
    place: Place,
    offset: Option<u64>,
    problem: Box<Problem>,
}

impl GgufError {
    pub(crate) fn new(file: &Arc<str>, place: Place, offset: Option<u64>, problem: Problem) -> GgufError {
        GgufError { file: file.clone(), place, offset, problem: Box::new(problem) }
    }

    /// The label of the file: its path, or the name given to `Gguf::from_bytes`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The part of the file that is wrong.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The byte of the file at which the wrong part begins, where there is one.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// What is wrong, with the expected and the found values.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

struct Whereabouts<'a>(&'a Place, Option<u64>);

impl fmt::Display for Whereabouts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whereabouts(Place::File, None) => Ok(()),
            Whereabouts(Place::File, Some(offset)) => write!(f, "byte {offset}: "),
            Whereabouts(place, None) => write!(f, "{place}: "),
            Whereabouts(place, Some(offset)) => write!(f, "{place}, byte {offset}: "),
        }
    }
}

/// The part of a file that an error speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// Magic number, version and the two counts.
    Header,
    /// A metadata entry whose key could not be read; entries count from 0.
    Entry(u64),
    /// The metadata entry with this key.
    Key(String),
    /// A line of the tensor table whose name could not be read; lines count from 0.
    TableLine(u64),
    /// The tensor with this name.
    Tensor(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => write!(f, "file"),
            Place::Header => write!(f, "header"),
            Place::Entry(index) => write!(f, "metadata entry {index}"),
            Place::Key(key) => write!(f, "metadata key {}", Quoted(key)),
            Place::TableLine(index) => write!(f, "tensor table line {index}"),
            Place::Tensor(name) => write!(f, "tensor {}", Quoted(name)),
        }
    }
}

/// A name from a file, quoted and escaped so that it stays on the line, and cut where it is long.
pub(crate) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        match self.0.char_indices().nth(SHOWN) {
            None => write!(f, "{:?}", self.0),
            Some((cut, _)) => write!(f, "{:?}... ({} bytes)", &self.0[..cut], self.0.len()),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The path does not lead to bytes.
    #[error(transparent)]
    Open(OpenError),
    /// The file does not begin with `GGUF`.
    #[error("expected a GGUF file (first bytes \"GGUF\"), found {found}; {}", .found.advice())]
    NotGguf {
        /// What the file looks like.
        found: Foreign,
    },
    /// A big-endian file.
    #[error("expected a little-endian file, found a big-endian one; convert the model again with little-endian output")]
    BigEndian,
    /// A version of the format that is not read.
    #[error("expected GGUF version 2 or 3, found version {found}; {}", version_advice(*.found))]
    Version {
        /// The version.
        found: u32,
    },
    /// The file ends inside a value.
    #[error("{what} needs {expected} bytes, but the file ends {found} bytes on: {DAMAGED}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes left in the file.
        found: u64,
    },
    /// A count that the rest of the file cannot hold.
    #[error("{found} {what} need at least {least} bytes each, but only {left} bytes follow: {DAMAGED}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The count in the file.
        found: u64,
        /// The smallest encoding of one of them in bytes.
        least: u64,
        /// Bytes left in the file.
        left: u64,
    },
    /// Text that is not UTF-8.
    #[error("{what} is not valid UTF-8: the first wrong byte is at byte {wrong} of the file")]
    Utf8 {
        /// Which text.
        what: &'static str,
        /// Offset of the first wrong byte in the file.
        wrong: u64,
    },
    /// An empty or overlong name.
    #[error("expected a {what} of 1 to {limit} bytes, found {found}")]
    NameLength {
        /// Which name.
        what: &'static str,
        /// Longest allowed length in bytes.
        limit: u64,
        /// Its length in bytes.
        found: u64,
    },
    /// A metadata value type that does not exist.
    #[error("expected a metadata value type from 0 to 12, found {found}")]
    UnknownValueType {
        /// The type's number.
        found: u32,
    },
    /// A boolean that is neither 0 nor 1.
    #[error("expected a boolean of 0 or 1, found {found}")]
    Bool {
        /// The byte.
        found: u8,
    },
    /// Arrays within arrays within arrays.
    #[error("expected arrays nested at most {limit} deep, found more", limit = limits::ARRAY_DEPTH)]
    Nesting,
    /// A key or tensor name that occurs twice.
    #[error("occurs twice; it was first at byte {first}")]
    Duplicate {
        /// Offset of the first occurrence.
        first: u64,
    },
    /// A required key is absent.
    #[error("expected a value of type {expected}, but the file has no such key")]
    MissingKey {
        /// The type asked for.
        expected: &'static str,
    },
    /// A value of another type, or out of the range of the type asked for.
    #[error("expected a value of type {expected}, found {found}")]
    WrongType {
        /// The type asked for.
        expected: &'static str,
        /// The type found, with the value of a number.
        found: String,
    },
    /// An alignment that is no power of two or out of bounds.
    #[error(
        "expected a power of two from {least} to {most}, found {found}",
        least = limits::SMALLEST_ALIGNMENT,
        most = limits::LARGEST_ALIGNMENT
    )]
    Alignment {
        /// The alignment.
        found: u64,
    },
    /// A tensor type that is not in the table of supported types.
    #[error(
        "expected a tensor type among {}, found {} (id {id}); {}",
        TensorType::names(), .name.unwrap_or("an unknown type"), type_advice(*.name)
    )]
    UnsupportedType {
        /// The type's number in the file.
        id: u32,
        /// Its name, where the number is a known one.
        name: Option<&'static str>,
    },
    /// A tensor with none of the lengths that its type's number may give it, or not with the one that others have.
    #[error(
        "expected {}, as type id {id} may mean, found {found} bytes up to {}: {}",
        lengths(.expected), if *.is_last { "the end of the file" } else { "the next tensor" },
        length_advice(*.others, *.is_another, *.is_last && .expected.iter().any(|(_, len)| found < len))
    )]
    NoLayout {
        /// The type's number in the file.
        id: u32,
        /// Layouts and the lengths that they give the tensor.
        expected: Vec<(&'static str, u64)>,
        /// The bytes that it has.
        found: u64,
        /// Whether the file ends there.
        is_last: bool,
        /// The layout of most other tensors with this number, where they have one.
        others: Option<&'static str>,
        /// Whether it has the length of a layout of this number, and only the other tensors have not.
        is_another: bool,
    },
    /// Tensors so small that several layouts take the same bytes with padding.
    #[error(
        "type id {id} may mean {}, and with padding each takes {found}, as in every tensor of this id: they are too \
         small to tell; write them as a type with an id of its own, such as PQ2_0",
        lengths(.expected)
    )]
    LayoutUndecided {
        /// The type's number in the file.
        id: u32,
        /// Layouts and the lengths that they give the tensor.
        expected: Vec<(&'static str, u64)>,
        /// The bytes that it has.
        found: u64,
    },
    /// Dimensions that are invalid, or that do not fit the type.
    #[error(transparent)]
    Shape(ShapeError),
    /// Tensor data that does not start on the alignment.
    #[error("expected the data at a multiple of {alignment} bytes, found offset {found} in the data section")]
    Misaligned {
        /// The file's alignment.
        alignment: u64,
        /// Offset from the start of the data section.
        found: u64,
    },
    /// Tensor data beyond the end of the file.
    #[error("its data occupies bytes {start} to {end}, but the file has {found} bytes: {DAMAGED}")]
    OutOfFile {
        /// First byte of the data.
        start: u64,
        /// The byte after the last one; the largest number where it exceeds it.
        end: u64,
        /// Length of the file.
        found: u64,
    },
    /// Two tensors that share bytes.
    #[error("its data starts at byte {found}, inside tensor {}, which ends at byte {expected}", Quoted(.other))]
    Overlap {
        /// The tensor that lies there already.
        other: String,
        /// Where the other one ends.
        expected: u64,
        /// Where this one starts.
        found: u64,
    },
    /// More bytes between two tensors, or before the first, than padding explains.
    #[error(
        "expected its data at byte {expected}, directly after what precedes it, found it at byte {found}: the bytes \
         between belong to no tensor, so an element type or a shape in this file is not what its writer meant"
    )]
    Gap {
        /// Where the data should start.
        expected: u64,
        /// Where it starts.
        found: u64,
    },
    /// A file that is one of several, and not the first.
    #[error("it is part {} of a model in {count} files: open the first one{}", .number + 1, named(.first))]
    NotTheFirst {
        /// Which part it is, counted from 0.
        number: u64,
        /// Parts of the model.
        count: u64,
        /// The path of the first part, where the name of this one tells it.
        first: Option<String>,
    },
    /// A file that is one of several, whose name does not tell those of the others.
    #[error(
        "it is the first of {count} files of a model, which are called NAME-00001-of-{count:05}.gguf and so on: give \
         the files these names and open the first one by its path"
    )]
    NamesOfParts {
        /// Parts of the model.
        count: u64,
    },
    /// A tensor that two files of a model have.
    #[error("the file {other} has a tensor of this name too")]
    InTwoFiles {
        /// The path of the other file.
        other: String,
    },
    /// A part of a model that does not belong to the first.
    #[error("expected {what} {expected}, as the first of the model's files says, found {found}")]
    Part {
        /// What differs.
        what: &'static str,
        /// Its value in the first part.
        expected: u64,
        /// Its value here.
        found: u64,
    },
    /// A model in several files with more or fewer tensors than its first file says.
    #[error(
        "the files of the model have {found} tensors together, expected {expected}: one of them is of another model"
    )]
    PartTensors {
        /// `split.tensors.count`.
        expected: u64,
        /// Tensors of all parts.
        found: u64,
    },
    /// More bytes after the last tensor than padding explains.
    #[error(
        "expected the end of the file at byte {expected}, after the last tensor and its padding, found {found} bytes: \
         the rest belongs to nothing"
    )]
    Trailing {
        /// The longest length that the contents explain.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
}

const DAMAGED: &str = "the file is truncated or damaged; download or copy it again";

fn named(first: &Option<String>) -> String {
    first.as_ref().map(|first| format!(", {first}")).unwrap_or_default()
}

/// What to do about a tensor type that is not read.
fn type_advice(name: Option<&str>) -> &'static str {
    match name.is_some_and(|name| name.contains("bitnet.cpp")) {
        true => {
            "if it is TL1 or TL2, its bytes are laid out for one machine and the kernels generated there: convert the \
             checkpoint that it was made from, or its F32, F16 or I2_S file, to I2_S"
        }
        false => {
            "quantize the model to one of them with the program that wrote this file, or take another file of this \
             model"
        }
    }
}

/// Lengths with the names of their layouts: `144 bytes of Q2_0 in groups of 64 or ..`.
fn lengths(expected: &[(&str, u64)]) -> String {
    let each: Vec<String> = expected.iter().map(|(name, len)| format!("{len} bytes of {name}")).collect();
    each.join(" or ")
}

/// What is the matter with a tensor that no layout or another one fits.
fn length_advice(others: Option<&str>, is_another: bool, is_cut: bool) -> String {
    let others = others.map(|name| format!("other tensors of this id are {name}; ")).unwrap_or_default();
    let advice = match (is_another, is_cut) {
        (true, _) => "all must have one layout, but the writer mixed several: take another file of this model",
        (false, true) => "truncated? Download or copy the file again",
        (false, false) => {
            "no layout fits, so the file is damaged or of an unknown one: take another file of this model"
        }
    };
    others + advice
}

fn version_advice(found: u32) -> &'static str {
    match found {
        1 => "version 1 is obsolete: convert the original model again with a current converter",
        _ => "this file is newer than this program, or damaged",
    }
}
