//! The metadata of a file: an ordered map with typed access whose errors name the file and the key.
//!
//! What the keys mean belongs to those who ask.

use std::sync::Arc;

use super::{Array, GgufError, Place, Problem, StringArray, Value};

/// The metadata of a file, in its order, without duplicates.
#[derive(Debug)]
pub struct Metadata {
    file: Arc<str>,
    entries: Vec<Entry>,
    /// Indices of `entries`, sorted by key.
    by_key: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub value: Value,
    /// Offset of the entry in the file.
    pub offset: u64,
}

impl Entry {
    /// The type of the value for a message, with the value itself where it is a number.
    pub fn found(&self) -> String {
        let name = self.value.value_type().name();
        match &self.value {
            Value::Array(array) => format!("array of {} {}", array.len(), array.element_type().name()),
            value => match integer(value) {
                Some(number) => format!("{name} {number}"),
                None => name.to_owned(),
            },
        }
    }
}

impl Metadata {
    pub(crate) fn new(file: Arc<str>, entries: Vec<Entry>) -> Result<Metadata, GgufError> {
        let mut by_key: Vec<usize> = (0..entries.len()).collect();
        by_key.sort_by_key(|&index| &entries[index].key);
        let twice = by_key.windows(2).find(|pair| entries[pair[0]].key == entries[pair[1]].key);
        if let Some(&[first, second]) = twice {
            let problem = Problem::Duplicate { first: entries[first].offset };
            let Entry { key, offset, .. } = &entries[second];
            return Err(GgufError::new(&file, Place::Key(key.clone()), Some(*offset), problem));
        }
        Ok(Metadata { file, entries, by_key })
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), &entry.value))
    }

    /// The value of a key, whatever its type.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        let found = self.by_key.binary_search_by_key(&key, |&index| &self.entries[index].key).ok()?;
        Some(&self.entries[self.by_key[found]])
    }

    /// An error about a key of this file.
    pub(crate) fn fail(&self, key: &str, problem: Problem) -> GgufError {
        let offset = self.entry(key).map(|entry| entry.offset);
        GgufError::new(&self.file, Place::Key(key.to_owned()), offset, problem)
    }

    /// The value of a key as `T`, or `None` where the file has no such key.
    ///
    /// # Errors
    /// [`Problem::WrongType`] where the value is not a `T`.
    pub fn optional<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<Option<T>, GgufError> {
        let Some(entry) = self.entry(key) else { return Ok(None) };
        let wrong = || self.fail(key, Problem::WrongType { expected: T::EXPECTED, found: entry.found() });
        T::from_value(&entry.value).map(Some).ok_or_else(wrong)
    }

    /// The value of a key as `T`.
    ///
    /// # Errors
    /// [`Problem::MissingKey`] where the file has no such key, [`Problem::WrongType`] where the value is not a `T`.
    pub fn required<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<T, GgufError> {
        self.optional(key)?.ok_or_else(|| self.fail(key, Problem::MissingKey { expected: T::EXPECTED }))
    }
}

macro_rules! getters {
    ($($required:ident, $optional:ident: $type:ty, $what:literal;)*) => {
        /// Access by type: `X` requires the key, `opt_X` gives `None` where it is absent.
        /// Errors as [`Metadata::required`] and [`Metadata::optional`].
        impl Metadata {$(
            #[doc = concat!("The value of a key as ", $what, ".")]
            pub fn $required(&self, key: &str) -> Result<$type, GgufError> {
                self.required(key)
            }

            #[doc = concat!("The value of a key as ", $what, ", or `None` where the file has no such key.")]
            pub fn $optional(&self, key: &str) -> Result<Option<$type>, GgufError> {
                self.optional(key)
            }
        )*}
    };
}
getters! {
    u32, opt_u32: u32, "a `u32`: any integer type whose value fits";
    u64, opt_u64: u64, "a `u64`: any integer type whose value fits";
    f32, opt_f32: f32, "an `f32`";
    bool, opt_bool: bool, "a boolean";
    str, opt_str: &str, "text";
    string_array, opt_string_array: &StringArray, "an array of strings";
    u32_array, opt_u32_array: &[u32], "an array of `u32`";
    i32_array, opt_i32_array: &[i32], "an array of `i32`";
    f32_array, opt_f32_array: &[f32], "an array of `f32`";
}

/// A type that a metadata value can be asked for as. Integers convert where the value fits; nothing else converts.
pub trait FromValue<'a>: Sized {
    /// Its name in messages.
    const EXPECTED: &'static str;

    /// The value as this type, where it is one.
    fn from_value(value: &'a Value) -> Option<Self>;
}

fn integer(value: &Value) -> Option<i128> {
    Some(match *value {
        Value::U8(n) => n.into(),
        Value::I8(n) => n.into(),
        Value::U16(n) => n.into(),
        Value::I16(n) => n.into(),
        Value::U32(n) => n.into(),
        Value::I32(n) => n.into(),
        Value::U64(n) => n.into(),
        Value::I64(n) => n.into(),
        _ => return None,
    })
}

macro_rules! from_value {
    ($($type:ty, $expected:literal: $pattern:pat => $result:expr;)*) => {$(
        impl<'a> FromValue<'a> for $type {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: &'a Value) -> Option<$type> {
                match value {
                    $pattern => Some($result),
                    _ => None,
                }
            }
        }
    )*};
}
from_value! {
    f32, "f32": Value::F32(number) => *number;
    bool, "bool": Value::Bool(truth) => *truth;
    &'a str, "string": Value::String(text) => text;
    &'a StringArray, "array of string": Value::Array(Array::String(strings)) => strings;
    &'a [u32], "array of u32": Value::Array(Array::U32(numbers)) => numbers;
    &'a [i32], "array of i32": Value::Array(Array::I32(numbers)) => numbers;
    &'a [f32], "array of f32": Value::Array(Array::F32(numbers)) => numbers;
}

impl FromValue<'_> for u32 {
    const EXPECTED: &'static str = "u32";

    fn from_value(value: &Value) -> Option<u32> {
        integer(value)?.try_into().ok()
    }
}

impl FromValue<'_> for u64 {
    const EXPECTED: &'static str = "u64";

    fn from_value(value: &Value) -> Option<u64> {
        integer(value)?.try_into().ok()
    }
}
