//! Corrections of a known file, by explicit order.
//!
//! What belongs here: the policy file, which names a model file by its SHA-256 and says what to change, and the record
//! of what was changed. What does not: finding out what should be changed; no statistic ever leads to a correction.
//!
//! A policy is JSON:
//!
//! ```json
//! { "version": 1, "files": [ {
//!     "sha256": "64 hexadecimal digits",
//!     "notes": "what is wrong with this file, and who says so",
//!     "corrections": [
//!       { "type": "rescale_gains", "tensors": ["blk.0.attn_norm.weight"], "rms": 0.018 },
//!       { "type": "invert_scale", "tensors": ["blk.0.attn_q.weight"] }
//!     ] } ] }
//! ```

#[cfg(test)]
mod tests;

#[cfg(feature = "tools")]
use crate::files::Source;
use serde_json::Value as Json;
use std::collections::HashMap;
#[cfg(feature = "tools")]
use std::path::Path;
use trine_loader::OpenError;
#[cfg(feature = "tools")]
use trine_loader::read_file;

/// Longest policy that is read, in bytes.
#[cfg(feature = "tools")]
const POLICY_BYTES: u64 = 16 << 20;

/// What is to be changed in one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Corrections {
    by_tensor: HashMap<String, Correction>,
}

/// A change of one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Correction {
    /// Multiplies the gains of a norm by one number, so that their root mean square is this.
    RescaleGains {
        /// The root mean square.
        rms: f64,
    },
    /// Replaces the scale of a ternary matrix by its inverse: for files whose writer stored `1 / scale`.
    InvertScale,
}

/// A correction that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrected {
    /// The tensor.
    pub tensor: String,
    /// What was asked for.
    pub correction: Correction,
    /// The root mean square of the gains, or the scale, before.
    pub before: f64,
    /// The same after.
    pub after: f64,
}

/// A policy that cannot be used.
///
/// Printed as one line: `FILE: PLACE: PROBLEM`, without the place where the problem is with the whole policy.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {}{problem}", .place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default())]
pub struct PolicyError {
    file: String,
    place: Option<String>,
    problem: PolicyProblem,
}

/// What is wrong with a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// The file cannot be read, or is longer than any policy.
    #[error(transparent)]
    File(OpenError),
    /// The file is no text.
    #[error("expected UTF-8 text: {0}")]
    Utf8(std::string::FromUtf8Error),
    /// The text is not JSON.
    #[error(transparent)]
    Json(serde_json::Error),
    /// A value that a policy does not have.
    #[error("expected {expected}, found {found}")]
    Value {
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A tensor with two corrections.
    #[error("tensor `{tensor}` has two corrections; each tensor has one at most")]
    Twice {
        /// The tensor.
        tensor: String,
    },
    /// A model that is no file.
    #[error("corrections are for GGUF files, and {model} is a directory")]
    Directory {
        /// The directory.
        model: String,
    },
    /// A policy for other files.
    #[error("no correction is for this model file, whose SHA-256 is {sha256}")]
    OtherFile {
        /// The model file's.
        sha256: String,
    },
}

impl PolicyError {
    fn new(file: &str, problem: PolicyProblem) -> PolicyError {
        PolicyError { file: file.to_owned(), place: None, problem }
    }

    /// The policy, by its path or the name that it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where in the document, where the problem is with one value.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// What is wrong, with the expected and the found values.
    pub fn problem(&self) -> &PolicyProblem {
        &self.problem
    }
}

impl Corrections {
    /// The corrections that the policy at `path` orders for a model file. The whole policy is checked.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy cannot be read, is not valid, or orders nothing for this file.
    #[cfg(feature = "tools")]
    pub fn of_file(path: impl AsRef<Path>, source: &dyn Source) -> Result<Corrections, PolicyError> {
        let label = path.as_ref().display().to_string();
        let fail = |problem| PolicyError::new(&label, problem);
        let bytes = read_file(path, POLICY_BYTES).map_err(|error| fail(PolicyProblem::File(error)))?;
        let text = String::from_utf8(bytes).map_err(|error| fail(PolicyProblem::Utf8(error)))?;
        match source.sha256() {
            Some(digest) => Corrections::from_json(&label, &text, &digest),
            None => Err(PolicyError::new(&label, PolicyProblem::Directory { model: source.label().to_owned() })),
        }
    }

    /// The corrections that a policy orders for the file with this SHA-256; `label` names the policy in errors.
    ///
    /// # Errors
    /// As [`Corrections::of_file`].
    pub fn from_json(label: &str, text: &str, sha256: &str) -> Result<Corrections, PolicyError> {
        let mut document: Json =
            serde_json::from_str(text).map_err(|error| PolicyError::new(label, PolicyProblem::Json(error)))?;
        // Whether maps keep the order of a file depends on which features a program's crates turn on.
        document.sort_all_objects();
        let reader = Reader { file: label };
        reader.only(&document, "the policy", &["version", "files"])?;
        if document["version"] != 1 {
            return Err(reader.fail("version", "1", &document["version"]));
        }
        let mut found = None;
        for entry in reader.array(&document["files"], "files")? {
            let digest = reader.digest(&entry["sha256"])?;
            let corrections = reader.corrections(entry)?;
            if digest == sha256 {
                found = Some(corrections);
            }
        }
        found.ok_or_else(|| PolicyError::new(label, PolicyProblem::OtherFile { sha256: sha256.to_owned() }))
    }

    /// What to do with a tensor.
    pub fn of_tensor(&self, name: &str) -> Option<Correction> {
        self.by_tensor.get(name).copied()
    }

    /// The tensors with a correction.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        self.by_tensor.keys().map(String::as_str)
    }
}

/// Reads values of the document.
struct Reader<'p> {
    file: &'p str,
}

impl Reader<'_> {
    fn fail(&self, place: &str, expected: &'static str, found: &Json) -> PolicyError {
        let problem = PolicyProblem::Value { expected, found: found.to_string() };
        PolicyError { place: Some(place.to_owned()), ..PolicyError::new(self.file, problem) }
    }

    /// Refuses keys that mean nothing: a misspelt one would be a correction that is not made.
    fn only(&self, value: &Json, place: &str, keys: &[&str]) -> Result<(), PolicyError> {
        let object = value.as_object().ok_or_else(|| self.fail(place, "an object", value))?;
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(self.fail(place, "only keys that a policy has", &Json::String(key.clone()))),
            None => Ok(()),
        }
    }

    fn array<'v>(&self, value: &'v Json, place: &str) -> Result<&'v Vec<Json>, PolicyError> {
        value.as_array().filter(|array| !array.is_empty()).ok_or_else(|| self.fail(place, "a list, not empty", value))
    }

    fn digest(&self, value: &Json) -> Result<String, PolicyError> {
        let is_digest = |text: &&str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let text = value.as_str().filter(is_digest);
        Ok(text.ok_or_else(|| self.fail("sha256", "64 hexadecimal digits", value))?.to_ascii_lowercase())
    }

    fn corrections(&self, entry: &Json) -> Result<Corrections, PolicyError> {
        self.only(entry, "an entry of files", &["sha256", "notes", "corrections"])?;
        let mut by_tensor = HashMap::new();
        for order in self.array(&entry["corrections"], "corrections")? {
            self.only(order, "a correction", &["type", "tensors", "rms"])?;
            let correction = match order["type"].as_str() {
                Some("rescale_gains") => Correction::RescaleGains { rms: self.rms(&order["rms"])? },
                Some("invert_scale") if order.get("rms").is_none() => Correction::InvertScale,
                _ => {
                    return Err(self.fail(
                        "type",
                        "\"rescale_gains\" with \"rms\", or \"invert_scale\" without",
                        order,
                    ));
                }
            };
            for name in self.array(&order["tensors"], "tensors")? {
                let tensor = name.as_str().ok_or_else(|| self.fail("tensors", "names of tensors", name))?.to_owned();
                if by_tensor.insert(tensor.clone(), correction).is_some() {
                    return Err(PolicyError::new(self.file, PolicyProblem::Twice { tensor }));
                }
            }
        }
        Ok(Corrections { by_tensor })
    }

    fn rms(&self, value: &Json) -> Result<f64, PolicyError> {
        let number = value.as_f64().filter(|rms| rms.is_finite() && *rms > 0.0);
        number.ok_or_else(|| self.fail("rms", "a positive number", value))
    }
}
