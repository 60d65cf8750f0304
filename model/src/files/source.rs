//! What a model is loaded from: one view of a GGUF file and of a directory that HF transformers saved.
//!
//! What belongs here: the interface, and what goes through it. What does not: the files behind it (`gguf.rs`, `hf.rs`),
//! and what tensors hold, which is looked at in [`weights`](crate::weights).

use super::Encoding;
use crate::description::{Config, ConfigError, Role};
#[cfg(feature = "text")]
use crate::warning::Warning;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use trine_kernels::ActivationMode;
use trine_loader::{TypeLayout, Value};
#[cfg(feature = "text")]
use trine_text::{ChatError, ChatTemplate, Tokenizer, TokenizerError, TokenizerOptions, VocabularyData};

/// What holds the tensors of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// GGUF.
    Gguf {
        /// The version of the format.
        version: u32,
        /// The alignment of tensor data in bytes.
        alignment: u64,
    },
    /// Safetensors.
    Safetensors {
        /// The number of files.
        files: usize,
    },
}

/// Where a model is read from: its description, its vocabulary and its tensors, whatever the files look like.
pub trait Source: fmt::Debug + Sync {
    /// The path, for messages.
    fn label(&self) -> &str;

    /// What holds its tensors.
    fn container(&self) -> Container;

    /// The length of the files that hold its tensors, in bytes.
    fn bytes(&self) -> u64;

    /// What the files say besides tensors, in their own words: the metadata of a GGUF file, the entries of a
    /// `config.json` (those of objects within it as `rope_scaling.factor`).
    fn entries(&self) -> Vec<(String, Value)>;

    /// The keys of entries that say something of the model and that nothing here knows.
    fn unread_entries(&self) -> Vec<String>;

    /// The description of the model.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file, the key, what was found and what was expected.
    fn config(&self) -> Result<Config, ConfigError>;

    /// Whether its tokens have texts. A model without a vocabulary runs on ids.
    fn has_vocabulary(&self) -> bool;

    /// The tokenizer.
    ///
    /// # Errors
    /// [`TokenizerError`] with the file and the key that is missing, of the wrong type, inconsistent or unknown.
    #[cfg(feature = "text")]
    fn tokenizer(&self, options: &TokenizerOptions) -> Result<Tokenizer, TokenizerError>;

    /// The tokenizer of a vocabulary that [`Source::description`] has read.
    ///
    /// # Errors
    /// [`TokenizerError`] as of [`Source::tokenizer`].
    #[cfg(feature = "text")]
    fn tokenizer_of(&self, vocabulary: VocabularyData) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::from_data(vocabulary)
    }

    /// The description, the vocabulary and the chat template as the metadata of a GGUF file, for writing one and for
    /// comparing. That of a GGUF file is its own, whatever it says.
    ///
    /// # Errors
    /// [`DescriptionError`] as of [`Source::config`], [`Source::tokenizer`] and [`Source::chat_template`].
    #[cfg(feature = "text")]
    fn description(&self, options: &TokenizerOptions) -> Result<Description, DescriptionError>;

    /// The chat template; `tokenizer` names the tokens that it writes.
    ///
    /// # Errors
    /// [`ChatError::Missing`] where there is none, [`ChatError::InFile`] where it is not valid.
    #[cfg(feature = "text")]
    fn chat_template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError>;

    /// Whether there is no chat template, or a valid one that stays within bounds.
    ///
    /// # Errors
    /// [`ChatError`] as of [`Source::chat_template`], but for a missing one, and as of [`ChatTemplate::check`].
    #[cfg(feature = "text")]
    fn check_template(&self, tokenizer: &Tokenizer) -> Result<(), ChatError> {
        match self.chat_template(tokenizer) {
            Ok(template) => {
                let in_file = |error| ChatError::InFile { file: self.label().to_owned(), error: Box::new(error) };
                template.check().map_err(in_file)
            }
            Err(ChatError::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Every tensor, in the order of the files.
    fn tensors(&self) -> Vec<SourceTensor>;

    /// What numbers of tensor types mean in the files, of those that stand for several layouts.
    fn layouts(&self) -> &[TypeLayout] {
        &[]
    }

    /// The name of the tensor of a role, for messages about a tensor that is missing.
    fn tensor_name(&self, role: Role) -> String {
        role.to_string()
    }

    /// The SHA-256 of the file in lower case, by which a policy names it; `None` where that is not defined.
    #[cfg(feature = "tools")]
    fn sha256(&self) -> Option<String> {
        None
    }

    /// What the program that wrote the model does with the activations of its ternary matrices with one scale, where
    /// the files say so. `None` leaves it to the packing and the architecture.
    fn activations(&self) -> Option<ActivationMode> {
        None
    }
}

/// What a model is, besides its weights, in the words of a GGUF file.
#[cfg(feature = "text")]
#[derive(Clone, Debug)]
pub struct Description {
    /// The version of the format.
    pub version: u32,
    /// The entries.
    pub metadata: Vec<(String, Value)>,
    /// Divisors of the RoPE frequencies that have no key in `metadata` and no tensor in the source: they are the tensor
    /// `rope_freqs.weight` of a GGUF file.
    pub divisors: Option<Vec<f32>>,
    /// The elements of a head, where a GGUF file has the rows of query and key matrices in another order than the
    /// source: those of a pair that RoPE rotates side by side, which here are half a head apart.
    pub interleave: Option<usize>,
    /// The vocabulary whose keys are in `metadata`, where they were made of it; that of a GGUF file is its metadata.
    pub vocabulary: Option<VocabularyData>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

/// A description that a GGUF file cannot have, or that is not valid.
#[cfg(feature = "text")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// Of the model.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Of the vocabulary.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Of the chat template.
    #[error(transparent)]
    Chat(#[from] ChatError),
}

/// A tensor of a [`Source`], its contents not looked at. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct SourceTensor {
    /// Its name in the file.
    pub name: String,
    /// What it is for, where a name like this has a role in any architecture.
    pub role: Option<Role>,
    /// The lengths of its axes, outermost first; of packed matrices those of the matrix they unpack to.
    pub dims: Vec<usize>,
    /// How its bytes stand for numbers.
    pub encoding: Encoding,
    /// The path of the file that it lies in.
    pub file: Arc<str>,
    /// Its first byte in that file.
    pub offset: u64,
    /// Its bytes: a slice of the memory map. None where it is in [`parts`](SourceTensor::parts).
    pub bytes: Bytes,
    /// What the files have beside a tensor in [`Encoding::Words`]: the scales and the biases of its groups, or the
    /// scales of its rows ([`Words::TernaryRows`](super::Words::TernaryRows)).
    pub groups: Option<Arc<[SourceTensor]>>,
    /// The matrix of each expert, where the files have each in a tensor of its own. Their number is the first of
    /// [`dims`](SourceTensor::dims).
    pub parts: Option<Arc<[SourceTensor]>>,
}

impl SourceTensor {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// The length of its bytes, those of its parts included.
    pub fn byte_len(&self) -> usize {
        self.bytes.len() + self.parts.iter().flat_map(|parts| parts.iter()).map(SourceTensor::byte_len).sum::<usize>()
    }

    /// The tensor with the bytes of its parts one behind the other: a copy of them all, where it has parts.
    pub(crate) fn whole(&self) -> SourceTensor {
        match self.parts.as_deref() {
            Some(parts) if !parts.is_empty() => {
                SourceTensor { name: self.name.clone(), role: self.role, ..joined(parts) }
            }
            _ => self.clone(),
        }
    }

    /// All its rows, whatever the axes that count them, and the length of one.
    pub(crate) fn rows_and_cols(&self) -> (usize, usize) {
        let cols = self.dims.last().copied().unwrap_or(1).max(1);
        (self.elements() / cols, cols)
    }
}

/// Tensors of one type and shape as one tensor with one axis more, each with what lies beside it.
fn joined(parts: &[SourceTensor]) -> SourceTensor {
    let first = &parts[0];
    let is_like_first = |part: &SourceTensor| (part.encoding, &part.dims) == (first.encoding, &first.dims);
    let encoding = if parts.iter().all(is_like_first) { first.encoding } else { Encoding::Foreign("of several types") };
    let bytes = parts.iter().map(|part| &part.bytes[..]).collect::<Vec<_>>().concat();
    let counts = parts.iter().map(|part| part.groups.as_ref().map_or(0, |groups| groups.len()));
    let beside = |at: usize| parts.iter().filter_map(move |part| Some(part.groups.as_ref()?.get(at)?.clone()));
    let groups = (0..counts.min().unwrap_or(0)).map(|at| joined(&beside(at).collect::<Vec<_>>()));
    let groups: Vec<_> = groups.collect();
    SourceTensor {
        dims: [&[parts.len()], &first.dims[..]].concat(),
        encoding,
        bytes: bytes.into(),
        groups: (!groups.is_empty()).then(|| groups.into()),
        parts: None,
        ..first.clone()
    }
}
