//! What can be wrong with a model's description, as one line that names the file and the key.

use super::Architecture;
use std::fmt;
use trine_loader::json::JsonError;
use trine_loader::{GgufError, OneLine, Place};
use trine_shapes::DimsError;

/// Metadata that describes no model that Trine runs.
///
/// Printed as one line: `FILE: key KEY PROBLEM`, without the key where the problem is not with one. What the loader
/// says ([`ConfigProblem::Metadata`], [`ConfigProblem::Json`]) names its place itself.
#[derive(Debug)]
pub struct ConfigError {
    file: String,
    key: Option<String>,
    problem: Box<ConfigProblem>,
}

/// What is wrong with a description.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigProblem {
    /// A key of a GGUF file is missing, or has another type.
    #[error(transparent)]
    Metadata(GgufError),
    /// A file of a directory cannot be read, or an entry is missing or of another type.
    #[error(transparent)]
    Json(JsonError),
    /// A file without tensors.
    #[error("the file holds a vocabulary and no tensors, so there is no model to run")]
    VocabularyOnly,
    /// An architecture Trine does not know.
    #[error("is `{}`: this architecture is not supported; supported: {}", OneLine(found), Architecture::names())]
    Architecture {
        /// Its name.
        found: String,
    },
    /// Dimensions that contradict each other.
    #[error(transparent)]
    Dims(DimsError),
    /// A value outside its range.
    #[error("is {}, expected {expected}", OneLine(found))]
    Value {
        /// The value.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A value that changes the arithmetic in a way Trine does not implement.
    #[error("is {}: this changes the arithmetic and is not supported", OneLine(found))]
    Unsupported {
        /// The value.
        found: String,
    },
}

impl ConfigError {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(file: impl fmt::Display, problem: ConfigProblem) -> ConfigError {
        ConfigError { file: file.to_string(), key: None, problem: Box::new(problem) }
    }

    /// A problem with a key.
    pub(crate) fn of_key(file: impl fmt::Display, key: impl Into<String>, problem: ConfigProblem) -> ConfigError {
        ConfigError { key: Some(key.into()), ..ConfigError::of_file(file, problem) }
    }

    /// A value outside its range.
    pub(crate) fn value(
        file: impl fmt::Display,
        key: impl Into<String>,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> ConfigError {
        let problem = ConfigProblem::Value { found: found.to_string(), expected: expected.into() };
        ConfigError::of_key(file, key, problem)
    }

    /// A value that is obeyed elsewhere and cannot be here.
    pub(crate) fn unsupported(file: impl fmt::Display, key: impl Into<String>, found: impl ToString) -> ConfigError {
        ConfigError::of_key(file, key, ConfigProblem::Unsupported { found: found.to_string() })
    }

    /// The file, by its path or the name that it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The key at fault, where there is one; of entries within others as `rope_scaling.factor`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What is wrong, with the expected and the found values.
    pub fn problem(&self) -> &ConfigProblem {
        &self.problem
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.problem, &self.key) {
            (problem @ (ConfigProblem::Metadata(_) | ConfigProblem::Json(_)), _) => write!(f, "{problem}"),
            (problem, Some(key)) => write!(f, "{}: key `{}` {problem}", self.file, OneLine(key)),
            (problem, None) => write!(f, "{}: {problem}", self.file),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<GgufError> for ConfigError {
    fn from(error: GgufError) -> ConfigError {
        let file = error.file().to_owned();
        let key = match error.place() {
            Place::Key(key) => Some(key.clone()),
            _ => None,
        };
        ConfigError { file, key, problem: Box::new(ConfigProblem::Metadata(error)) }
    }
}

impl From<JsonError> for ConfigError {
    fn from(error: JsonError) -> ConfigError {
        let (file, key) = (error.file().to_owned(), error.problem().key().map(str::to_owned));
        ConfigError { file, key, problem: Box::new(ConfigProblem::Json(error)) }
    }
}
