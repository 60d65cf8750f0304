//! JSON files of a model's directory: read with a limit, and typed access to their entries whose errors name the file
//! and the key.
//!
//! What the entries mean does not belong here: `trine-model` reads `config.json` by this, `trine-text` the files of a
//! tokenizer.

mod python;

use crate::{Array, OpenError, Value as Metadatum, read_file};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// Longest `tokenizer.json` that is read, in bytes; that of Llama 3 has half of it.
const TYPED_BYTES: u64 = 32 << 20;

/// Longest of the other files, in bytes; the longest known has a quarter of it.
const OBJECT_BYTES: u64 = 4 << 20;

/// A JSON file that cannot be read, or an entry that is missing or of another type.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct JsonError {
    file: Arc<str>,
    problem: JsonProblem,
}

/// What is wrong with a JSON file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonProblem {
    /// It cannot be opened or read, or is longer than any such file.
    #[error("{0}{advice}", advice = advice(.0))]
    File(OpenError),
    /// It is no text.
    #[error("expected UTF-8 text: {0}; download the file again")]
    Utf8(std::string::FromUtf8Error),
    /// It is not JSON, or not of the right form.
    #[error("expected JSON as HF transformers writes it: {0}; download the file again")]
    Syntax(serde_json::Error),
    /// An entry is missing.
    #[error("expected {expected} as `{key}`, but there is no such entry")]
    Missing {
        /// The entry, with those around it before it.
        key: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An entry is of another type.
    #[error("`{key}` is {found}, expected {expected}")]
    Type {
        /// The entry, with those around it before it.
        key: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
}

/// What to do about a file that is not there.
fn advice(error: &OpenError) -> &'static str {
    match error {
        OpenError::Io { error, .. } if error.kind() == ErrorKind::NotFound => {
            "; a directory as `save_pretrained` writes it has this file"
        }
        _ => "",
    }
}

impl JsonProblem {
    /// The entry at fault, where there is one.
    pub fn key(&self) -> Option<&str> {
        match self {
            JsonProblem::Missing { key, .. } | JsonProblem::Type { key, .. } => Some(key),
            JsonProblem::File(_) | JsonProblem::Utf8(_) | JsonProblem::Syntax(_) => None,
        }
    }
}

impl JsonError {
    fn new(file: &Arc<str>, problem: JsonProblem) -> JsonError {
        JsonError { file: file.clone(), problem }
    }

    /// The path of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What is wrong.
    pub fn problem(&self) -> &JsonProblem {
        &self.problem
    }
}

/// The bytes of a file that is not too long.
fn read(path: &Path, file: &Arc<str>, limit: u64) -> Result<Vec<u8>, JsonError> {
    read_file(path, limit).map_err(|error| JsonError::new(file, JsonProblem::File(error)))
}

fn label(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

/// A file of the form `T`, and the entries that it has and `T` has not, each once: one within an object is named
/// `object.entry`, also where that is one of a list.
pub fn parse<T: DeserializeOwned>(path: &Path) -> Result<(T, BTreeSet<String>), JsonError> {
    parse_up_to(path, TYPED_BYTES)
}

fn parse_up_to<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<(T, BTreeSet<String>), JsonError> {
    let file = label(path);
    let bytes = read(path, &file, limit)?;
    // Most files are JSON, and some of them long: only what is not is looked through for words of Python.
    let read = typed(&bytes).or_else(|_| typed(&python::quoted(&bytes)));
    read.map_err(|error| JsonError::new(&file, JsonProblem::Syntax(error)))
}

fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, BTreeSet<String>), serde_json::Error> {
    let mut unread = BTreeSet::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_ignored::deserialize(&mut json, |path| {
        unread.insert(entry_name(&path));
    })?;
    json.end()?;
    Ok((value, unread))
}

/// The names of the objects around an entry and its own.
fn entry_name(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Map { parent, key } => match entry_name(parent) {
            outer if outer.is_empty() => key.clone(),
            outer => format!("{outer}.{key}"),
        },
        Path::Seq { parent, .. }
        | Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => entry_name(parent),
    }
}

/// A text file, where there is one.
pub fn text(path: &Path) -> Result<Option<String>, JsonError> {
    if !path.exists() {
        return Ok(None);
    }
    let file = label(path);
    let bytes = read(path, &file, OBJECT_BYTES)?;
    String::from_utf8(bytes).map(Some).map_err(|error| JsonError::new(&file, JsonProblem::Utf8(error)))
}

/// An object of a file. Entries that are `null` count as absent, as HF transformers has it.
#[derive(Clone, Debug)]
pub struct Object {
    file: Arc<str>,
    /// What stands before each key in messages.
    prefix: String,
    entries: Map<String, Value>,
}

impl Object {
    /// The object that a file is.
    pub fn open(path: &Path) -> Result<Object, JsonError> {
        let (mut entries, _): (Map<String, Value>, _) = parse_up_to(path, OBJECT_BYTES)?;
        // A map may also keep the order of its file: that is a feature which any crate of a program can turn on.
        entries.sort_keys();
        entries.values_mut().for_each(Value::sort_all_objects);
        Ok(Object { file: label(path), prefix: String::new(), entries })
    }

    /// The object that a file is, where there is one, else an empty one.
    pub fn open_optional(path: &Path) -> Result<Object, JsonError> {
        match path.exists() {
            true => Object::open(path),
            false => Ok(Object { file: label(path), prefix: String::new(), entries: Map::new() }),
        }
    }

    /// The path of the file.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The same with the entries of the object `key` in its place, where there is one: they count before others of
    /// their names.
    pub fn with_inner(mut self, key: &str) -> Object {
        if let Some(Value::Object(inner)) = self.entries.get(key).cloned() {
            self.entries.remove(key);
            self.entries.extend(inner.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The name of an entry in messages.
    pub fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The entries, but for those that are `null`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.as_str(), value))
    }

    /// The entries as metadata: those of objects within it are named `object.entry`, and what metadata has no type for
    /// is its JSON text.
    pub fn flat_entries(&self) -> Vec<(String, Metadatum)> {
        let mut entries = Vec::new();
        flatten("", &self.entries, &mut entries);
        entries
    }

    /// An entry of whatever type.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key).filter(|value| !value.is_null())
    }

    fn optional<'v, T>(
        &'v self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Result<Option<T>, JsonError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || {
            let problem = JsonProblem::Type { key: self.key(key), expected, found: shown(value) };
            JsonError::new(&self.file, problem)
        };
        read(value).map(Some).ok_or_else(wrong)
    }

    fn required<T>(&self, key: &str, expected: &'static str, found: Option<T>) -> Result<T, JsonError> {
        let missing = || JsonError::new(&self.file, JsonProblem::Missing { key: self.key(key), expected });
        found.ok_or_else(missing)
    }

    /// A text.
    pub fn opt_text(&self, key: &str) -> Result<Option<&str>, JsonError> {
        self.optional(key, "a text", Value::as_str)
    }

    /// A truth value.
    pub fn opt_bool(&self, key: &str) -> Result<Option<bool>, JsonError> {
        self.optional(key, "true or false", Value::as_bool)
    }

    /// A whole number from 1 to 2^32 - 1.
    pub fn opt_count(&self, key: &str) -> Result<Option<usize>, JsonError> {
        let count = |value: &Value| value.as_u64().filter(|count| *count >= 1).and_then(|n| u32::try_from(n).ok());
        Ok(self.optional(key, COUNT, count)?.map(|count| count as usize))
    }

    /// A whole number from 1 to 2^32 - 1.
    pub fn count(&self, key: &str) -> Result<usize, JsonError> {
        self.required(key, COUNT, self.opt_count(key)?)
    }

    /// A whole number from 1 to `limit`; `expected` says what that is.
    pub fn count_up_to(&self, key: &str, limit: usize, expected: &'static str) -> Result<usize, JsonError> {
        let count = self.count(key)?;
        let (key, found) = (self.key(key), count.to_string());
        let too_many = || JsonError::new(&self.file, JsonProblem::Type { key, expected, found });
        (count <= limit).then_some(count).ok_or_else(too_many)
    }

    /// A number above 0 that an f32 holds.
    pub fn opt_positive(&self, key: &str) -> Result<Option<f32>, JsonError> {
        let positive = |value: &Value| value.as_f64().map(|n| n as f32).filter(|n| n.is_finite() && *n > 0.0);
        self.optional(key, POSITIVE, positive)
    }

    /// A number above 0 that an f32 holds.
    pub fn positive(&self, key: &str) -> Result<f32, JsonError> {
        self.required(key, POSITIVE, self.opt_positive(key)?)
    }

    /// A list of texts.
    pub fn opt_texts(&self, key: &str) -> Result<Option<Vec<&str>>, JsonError> {
        self.optional(key, "a list of texts", |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    /// An object within this one.
    pub fn opt_object(&self, key: &str) -> Result<Option<Object>, JsonError> {
        let entries = self.optional(key, "an object", Value::as_object)?.cloned();
        let prefix = format!("{}{key}.", self.prefix);
        Ok(entries.map(|entries| Object { file: self.file.clone(), prefix, entries }))
    }
}

const COUNT: &str = "a whole number of at least 1";
const POSITIVE: &str = "a positive number";

/// A value on one short line.
pub fn shown(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((cut, _)) => format!("{}...", &text[..cut]),
    }
}

fn flatten(prefix: &str, object: &Map<String, Value>, to: &mut Vec<(String, Metadatum)>) {
    for (key, value) in object {
        match value {
            Value::Object(inner) => flatten(&format!("{prefix}{key}."), inner, to),
            value => to.push((format!("{prefix}{key}"), metadatum(value))),
        }
    }
}

fn metadatum(value: &Value) -> Metadatum {
    match value {
        Value::String(text) => Metadatum::String(text.clone()),
        Value::Bool(truth) => Metadatum::Bool(*truth),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => Metadatum::U64(number),
            (_, Some(number), _) => Metadatum::I64(number),
            (.., number) => Metadatum::F64(number.unwrap_or(f64::NAN)),
        },
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            Metadatum::Array(Array::String(items.iter().filter_map(Value::as_str).collect()))
        }
        other => Metadatum::String(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_a_form_has_not_are_named_once() {
        #[derive(Debug, serde::Deserialize)]
        struct Inner {
            a: u32,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Outer {
            list: Vec<Inner>,
            one: Option<Inner>,
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.json");
        let text = r#"{ "list": [{ "a": 1, "x": 2 }, { "x": 3, "a": 4 }], "one": { "a": 5, "y": {} }, "z": [{}] }"#;
        // The second has a word of Python, so that it is read twice.
        for text in [text.to_owned(), text.replace("[{}]", "[NaN]")] {
            std::fs::write(&path, text).unwrap();
            let (outer, unread) = parse::<Outer>(&path).unwrap();
            assert_eq!((outer.list.iter().map(|inner| inner.a).sum::<u32>(), outer.one.map(|one| one.a)), (5, Some(5)));
            assert_eq!(Vec::from_iter(unread), ["list.x", "one.y", "z"]);
        }
        std::fs::write(&path, "{} {}").unwrap();
        assert!(parse::<std::collections::HashMap<String, u32>>(&path).is_err(), "something behind the end");
    }

    #[test]
    fn only_a_file_that_is_missing_is_said_to_be_of_every_directory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let error = |path: &Path| Object::open(path).unwrap_err().to_string();
        assert!(
            error(&path).ends_with("; a directory as `save_pretrained` writes it has this file"),
            "{}",
            error(&path)
        );
        assert!(error(folder.path()).ends_with(": expected a regular file, found a directory"));
        let long = OBJECT_BYTES + 1;
        std::fs::File::create(&path).unwrap().set_len(long).unwrap();
        assert!(error(&path).ends_with(&format!("config.json: expected at most {OBJECT_BYTES} bytes, found {long}")));
    }
}
