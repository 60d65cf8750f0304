//! A path as a model.
//!
//! What belongs here: telling a GGUF file from a directory. What does not: reading either.

use super::Source;
#[cfg(feature = "text")]
use super::{HfDirectory, HfError};
use std::path::Path;
use trine_loader::{Access, Gguf, GgufError};

/// Opens a GGUF file, or a directory as HF transformers saves models, which the feature `text` reads. [`Access::Map`]
/// says what must not happen to files while they are mapped.
///
/// # Errors
/// [`SourceError`] where it cannot be read, or breaks a rule of its format.
pub fn open_model(path: impl AsRef<Path>, access: Access) -> Result<Box<dyn Source>, SourceError> {
    let path = path.as_ref();
    #[cfg(feature = "text")]
    if path.is_dir() {
        return Ok(Box::new(HfDirectory::open(path, access)?));
    }
    Ok(Box::new(Gguf::open_with(path, access)?))
}

/// A path that leads to no model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file that is no sound GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A directory that holds no sound model.
    #[cfg(feature = "text")]
    #[error(transparent)]
    Directory(#[from] HfError),
}
