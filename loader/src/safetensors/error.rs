//! What can be wrong with a safetensors file or an index of shards. The checks belong to the modules that make them.

use std::{fmt, sync::Arc};

use super::{Dtype, JSON_BYTES, SHARDS};
use crate::{Foreign, OneLine, OpenError, gguf::Quoted};

/// A file that cannot be read as safetensors, or as the index of several.
///
/// Printed as one line: `FILE: tensor NAME, byte OFFSET: PROBLEM`, without the parts that do not apply.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {}{problem}", Whereabouts(.tensor.as_deref(), *.offset))]
pub struct SafetensorsError {
    file: Arc<str>,
    tensor: Option<String>,
    offset: Option<u64>,
    problem: Box<SafetensorsProblem>,
}

impl SafetensorsError {
    pub(crate) fn new(file: &Arc<str>, problem: SafetensorsProblem) -> SafetensorsError {
        SafetensorsError { file: file.clone(), tensor: None, offset: None, problem: Box::new(problem) }
    }

    pub(crate) fn at(self, offset: u64) -> SafetensorsError {
        SafetensorsError { offset: Some(offset), ..self }
    }

    pub(crate) fn of(self, tensor: &str) -> SafetensorsError {
        SafetensorsError { tensor: Some(tensor.to_owned()), ..self }
    }

    /// The path of the file, or the name given to `Safetensors::from_bytes`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tensor at fault, where there is one.
    pub fn tensor(&self) -> Option<&str> {
        self.tensor.as_deref()
    }

    /// The byte of the file at which the wrong part begins, where there is one.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// What is wrong, with the expected and the found values.
    pub fn problem(&self) -> &SafetensorsProblem {
        &self.problem
    }
}

struct Whereabouts<'a>(Option<&'a str>, Option<u64>);

impl fmt::Display for Whereabouts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Whereabouts(None, None) => Ok(()),
            Whereabouts(None, Some(offset)) => write!(f, "byte {offset}: "),
            Whereabouts(Some(tensor), None) => write!(f, "tensor {}: ", Quoted(tensor)),
            Whereabouts(Some(tensor), Some(offset)) => write!(f, "tensor {}, byte {offset}: ", Quoted(tensor)),
        }
    }
}

/// What is wrong with a safetensors file or an index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SafetensorsProblem {
    /// The file cannot be opened, or is none.
    #[error(transparent)]
    File(OpenError),
    /// A directory without weights in this format.
    #[error(
        "expected `model.safetensors` or `model.safetensors.index.json` in this directory, found neither{}",
        other_weights(*.has_pickles)
    )]
    NoWeights {
        /// Whether there are PyTorch checkpoints instead.
        has_pickles: bool,
    },
    /// Another format.
    #[error(
        "expected a safetensors file (the length of a JSON header, then the header), found {found}; {}",
        advice(*.found)
    )]
    NotSafetensors {
        /// What the file looks like.
        found: Foreign,
    },
    /// The file ends before its header does.
    #[error("the header needs {expected} bytes, but the file ends {found} bytes on: {DAMAGED}")]
    Truncated {
        /// Bytes needed.
        expected: u64,
        /// Bytes left in the file.
        found: u64,
    },
    /// A header or an index that is longer than any model's.
    #[error("expected at most {limit} bytes of JSON, found {found}: {DAMAGED}", limit = JSON_BYTES)]
    TooLong {
        /// Its length in bytes.
        found: u64,
    },
    /// A header or an index that is no JSON of the right form.
    #[error("the JSON is not of the form that the format asks for: {}; {DAMAGED}", OneLine(message))]
    Json {
        /// What the parser says, with line and column.
        message: String,
    },
    /// An element type that the format does not have, or that no tensor of a model has.
    #[error("expected an element type among {}, found {}", Dtype::names(), Quoted(found))]
    Dtype {
        /// Its name in the file.
        found: String,
    },
    /// More elements than can be addressed.
    #[error("expected a tensor that fits in memory, found shape {shape:?}")]
    TooLarge {
        /// The shape.
        shape: Vec<u64>,
    },
    /// A length that does not follow from shape and type.
    #[error(
        "expected {expected} bytes, as shape {shape:?} of {dtype} has, found data offsets {begin} to {end}: {DAMAGED}"
    )]
    Length {
        /// The shape.
        shape: Vec<u64>,
        /// The element type.
        dtype: Dtype,
        /// Bytes that shape and type need.
        expected: u64,
        /// First byte, counted from the end of the header.
        begin: u64,
        /// The byte after the last one.
        end: u64,
    },
    /// Tensors that overlap, or bytes between them.
    #[error(
        "expected its data at offset {expected} after the header, where the tensor before it ends, found {found}: \
         tensors lie one after another without gaps; {DAMAGED}"
    )]
    Place {
        /// Where the data should begin.
        expected: u64,
        /// Where it begins.
        found: u64,
    },
    /// A file that is shorter or longer than its tensors.
    #[error("expected a file of {expected} bytes, which its tensors fill, found {found} bytes: {DAMAGED}")]
    FileLength {
        /// Header and tensors together.
        expected: u64,
        /// The length of the file.
        found: u64,
    },
    /// An index that names a file outside of its directory.
    #[error("expected the name of a file beside the index, found {found:?}")]
    FileName {
        /// The name in the index.
        found: String,
    },
    /// An index that names more files than any model has.
    #[error("expected at most {limit} files, found {found}", limit = SHARDS)]
    TooManyShards {
        /// The number of files.
        found: usize,
    },
    /// A tensor that the index places in a file that lacks it.
    #[error("the index places it in {shard:?}, which has no such tensor; take index and files of one version")]
    NotInShard {
        /// The name of the file.
        shard: String,
    },
    /// A tensor of a shard that the index does not know, or places elsewhere.
    #[error(
        "the index places it {}, but {shard:?} has it; take index and files of one version",
        .indexed.as_ref().map_or_else(|| "nowhere".to_owned(), |name| format!("in {name:?}"))
    )]
    NotInIndex {
        /// The file that has it.
        shard: String,
        /// Where the index places it.
        indexed: Option<String>,
    },
}

const DAMAGED: &str = "the file is truncated or damaged; download or copy it again";

fn advice(found: Foreign) -> &'static str {
    match found {
        Foreign::Safetensors | Foreign::Unknown(_) => "give a file with the extension .safetensors",
        Foreign::Zip | Foreign::Pickle => "save the model again with `save_pretrained`, which writes safetensors",
        other => other.advice(),
    }
}

fn other_weights(has_pickles: bool) -> &'static str {
    match has_pickles {
        true => "; it has PyTorch checkpoints: save the model again with `save_pretrained`, which writes safetensors",
        false => "; give a directory as HF transformers' `save_pretrained` writes it, or a GGUF file",
    }
}
