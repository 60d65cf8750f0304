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
    /// Its bytes: a slice of the memory map.
    pub bytes: Bytes,
    /// The scales and the biases of the groups of a tensor in [`Encoding::Words`], where the files have both.
    pub groups: Option<Arc<[SourceTensor; 2]>>,
}

impl SourceTensor {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// All its rows, whatever the axes that count them, and the length of one.
    pub(crate) fn rows_and_cols(&self) -> (usize, usize) {
        let cols = self.dims.last().copied().unwrap_or(1).max(1);
        (self.elements() / cols, cols)
    }
}
