//! Fields of a request as values of a type, or an error that names the field. What belongs here: types, ranges and
//! paths. What does not: which fields there are (`request`).
//!
//! A field that is `null` is absent, as clients send both. A field that nobody asks for is unknown, and is told to the
//! client.

use crate::error::ApiError;
use crate::json::Json;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// The fields of an object, of which those are taken that are known.
#[derive(Debug)]
pub struct Fields {
    path: String,
    fields: Vec<(String, Json)>,
}

/// A value and where it stands in the request.
#[derive(Debug)]
pub struct Field {
    path: String,
    value: Json,
}

/// The longest part of a value that is repeated in a message, in characters.
const SHOWN: usize = 60;

/// A value as a message shows it.
fn shown(value: &Json) -> String {
    let text = match value {
        Json::Array(_) | Json::Object(_) => return value.kind().to_owned(),
        _ => value.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

impl Fields {
    /// The fields of the body of a request.
    ///
    /// # Errors
    /// The body is no JSON document, or no object.
    pub fn of_body(bytes: &[u8]) -> Result<Fields, ApiError> {
        let document = Json::parse(bytes)
            .map_err(|error| ApiError::bad("invalid_json", format!("the body is no valid JSON document: {error}")))?;
        match document {
            Json::Object(fields) => Ok(Fields { path: String::new(), fields }),
            other => {
                let message = format!("the body is {}: expected an object", other.kind());
                Err(ApiError::bad("invalid_type", message))
            }
        }
    }

    /// These fields, of the body of a request.
    pub fn of_object(fields: Vec<(String, Json)>) -> Fields {
        Fields { path: String::new(), fields }
    }

    /// No fields, of an object with this path.
    pub fn empty(path: &str) -> Fields {
        Fields { path: path.to_owned(), fields: Vec::new() }
    }

    /// Gives a field the name by which it is read.
    pub fn rename(&mut self, name: &str, known: &str) {
        #[cfg(test)]
        recording::record(&self.path_of(name));
        if let Some((found, _)) = self.fields.iter_mut().find(|(field, _)| field == name) {
            known.clone_into(found);
        }
    }

    /// The path of a field.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A field, where it is there and not null.
    pub fn take(&mut self, name: &str) -> Option<Field> {
        #[cfg(test)]
        recording::record(&self.path_of(name));
        let at = self.fields.iter().position(|(field, _)| field == name)?;
        let (_, value) = self.fields.remove(at);
        (value != Json::Null).then(|| Field { path: self.path_of(name), value })
    }

    /// The first of several names of one field.
    pub fn take_any(&mut self, names: &[&str]) -> Option<Field> {
        let found: Vec<_> = names.iter().filter_map(|name| self.take(name)).collect();
        found.into_iter().next()
    }

    /// A field that has to be there.
    ///
    /// # Errors
    /// It is not.
    pub fn require(&mut self, name: &str) -> Result<Field, ApiError> {
        let path = self.path_of(name);
        self.take(name)
            .ok_or_else(|| ApiError::bad("missing_required_parameter", format!("`{path}` is missing")).at(&path))
    }

    /// The value of a field as `read` reads it, if the field is there.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn opt<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Field) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        self.take(name).map(read).transpose()
    }

    /// The same for a field that has a default.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn or<T>(
        &mut self,
        name: &str,
        default: T,
        read: impl FnOnce(Field) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        Ok(self.opt(name, read)?.unwrap_or(default))
    }

    /// Refuses a field unless it is absent or says what holds anyway.
    ///
    /// # Errors
    /// The field asks for something.
    pub fn refuse(&mut self, name: &str, holds: &Json, why: &str) -> Result<(), ApiError> {
        match self.take(name) {
            Some(field) if field.value != *holds => Err(ApiError::unsupported(&field.path, why)),
            _ => Ok(()),
        }
    }

    /// The value of a field that nobody has taken, which is left there.
    pub fn peek(&self, name: &str) -> Option<&Json> {
        #[cfg(test)]
        recording::record(&self.path_of(name));
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The names of the fields that nobody has taken.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The paths of the fields that nobody has taken.
    pub fn finish(self, ignored: &mut Vec<String>) {
        let path = |name: &String| self.path_of(name);
        ignored.extend(self.fields.iter().map(|(name, _)| path(name)));
    }

    /// The fields that nobody has taken, in their order.
    pub fn rest(self) -> Vec<(String, Json)> {
        self.fields
    }
}

impl Field {
    /// Where it stands in the request.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value as it is.
    pub fn json(self) -> Json {
        self.value
    }

    /// The value, to be looked at.
    pub fn value(&self) -> &Json {
        &self.value
    }

    /// The error of a value of another type.
    pub fn expected<T>(&self, expected: &str) -> Result<T, ApiError> {
        Err(ApiError::wrong_type(&self.path, expected, &shown(&self.value)))
    }

    /// The error of a value out of its range.
    pub fn out_of_range<T>(&self, expected: &str) -> Result<T, ApiError> {
        Err(ApiError::wrong_value(&self.path, &shown(&self.value), expected))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// It is neither.
    pub fn bool(self) -> Result<bool, ApiError> {
        match self.value {
            Json::Bool(value) => Ok(value),
            _ => self.expected("true or false"),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// It is none.
    pub fn string(self) -> Result<String, ApiError> {
        match self.value {
            Json::String(text) => Ok(text),
            _ => self.expected("a string"),
        }
    }

    /// A whole number, also one that is written `1.0`.
    ///
    /// # Errors
    /// It is none, or out of the range.
    pub fn integer<T>(self, range: RangeInclusive<T>) -> Result<T, ApiError>
    where
        T: TryFrom<i128> + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Json::Number(number) = &self.value else { return self.expected(&expected) };
        let whole = match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => whole,
            // 2^63 and the like are whole, and out of every range.
            (None, Some(float)) if float.fract() == 0.0 => float as i128,
            _ => return self.expected(&expected),
        };
        match T::try_from(whole).ok().filter(|whole| range.contains(whole)) {
            Some(whole) => Ok(whole),
            None => self.out_of_range(&expected),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// It is none, or out of the range.
    pub fn number(self, range: RangeInclusive<f32>) -> Result<f32, ApiError> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let Json::Number(number) = &self.value else { return self.expected(&expected) };
        match number.as_f64().map(|value| value as f32).filter(|value| range.contains(value)) {
            Some(value) => Ok(value),
            None => self.out_of_range(&expected),
        }
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// It is none.
    pub fn array(self) -> Result<Vec<Field>, ApiError> {
        let Json::Array(items) = self.value else { return self.expected("an array") };
        let item = |(at, value)| Field { path: format!("{}[{at}]", self.path), value };
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    /// The fields of an object.
    ///
    /// # Errors
    /// It is none.
    pub fn object(self) -> Result<Fields, ApiError> {
        match self.value {
            Json::Object(fields) => Ok(Fields { path: self.path, fields }),
            _ => self.expected("an object"),
        }
    }

    /// One of some texts.
    ///
    /// # Errors
    /// It is none of them.
    pub fn one_of(self, known: &[&'static str]) -> Result<&'static str, ApiError> {
        let names: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
        let expected = format!("one of {}", names.join(", "));
        let Json::String(text) = &self.value else { return self.expected(&expected) };
        match known.iter().find(|name| *name == text) {
            Some(name) => Ok(name),
            None => self.out_of_range(&expected),
        }
    }

    /// A text, or a list of texts of at most `most`.
    ///
    /// # Errors
    /// It is neither, or the list is longer.
    pub fn strings(self, most: usize) -> Result<Vec<String>, ApiError> {
        match &self.value {
            Json::String(text) => Ok(vec![text.clone()]),
            Json::Array(items) if items.len() > most => self.out_of_range(&format!("at most {most} strings")),
            Json::Array(_) => self.array()?.into_iter().map(Field::string).collect(),
            _ => self.expected("a string or an array of strings"),
        }
    }

    /// Ids of tokens of a vocabulary.
    ///
    /// # Errors
    /// It is no list of whole numbers, or one is beyond the vocabulary.
    pub fn ids(self, vocab: usize) -> Result<Vec<u32>, ApiError> {
        let last = u32::try_from(vocab.saturating_sub(1)).unwrap_or(u32::MAX);
        self.array()?.into_iter().map(|item| item.integer(0..=last)).collect()
    }
}

#[cfg(test)]
pub use recording::asked;

/// Which fields are asked for, so that a test can compare them with those that are described.
#[cfg(test)]
mod recording {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    /// Takes the path of a field down, without the places in lists.
    pub fn record(path: &str) {
        let parts = path.split('[').map(|part| part.split_once(']').map_or(part, |(_, behind)| behind));
        let path = parts.collect::<Vec<_>>().join("[]");
        ASKED.with_borrow_mut(|asked| asked.insert(path));
    }

    /// What `read` gives, and the paths of the fields that it asks for.
    pub fn asked<T>(read: impl FnOnce() -> T) -> (T, BTreeSet<String>) {
        ASKED.take();
        (read(), ASKED.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::of_body(text.as_bytes()).unwrap()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (String, Option<String>) {
        let error = result.unwrap_err();
        (error.message, error.param)
    }

    #[test]
    fn values_of_the_wrong_type_or_range_name_their_field() {
        let mut found = fields(r#"{"a":"x","b":[{"c":3.5},7],"n":null,"t":101,"h":1e30,"u":2}"#);
        let said = |message: &str, path: &str| (message.to_owned(), Some(path.to_owned()));
        assert_eq!(refusal(found.take("a").unwrap().bool()), said(r#"`a` is "x": expected true or false"#, "a"));
        let mut items = found.take("b").unwrap().array().unwrap();
        let message = "`b[1]` is 7: expected an object";
        assert_eq!(refusal(items.pop().unwrap().object()), said(message, "b[1]"));
        let mut inner = items.pop().unwrap().object().unwrap();
        let message = "`b[0].c` is 3.5: expected a whole number from 0 to 9";
        assert_eq!(refusal(inner.take("c").unwrap().integer(0..=9_u32)), said(message, "b[0].c"));
        assert!(found.take("n").is_none() && found.take("missing").is_none());
        let message = "`t` is 101: expected a number from 0 to 100";
        assert_eq!(refusal(found.take("t").unwrap().number(0.0..=100.0)), said(message, "t"));
        let message = "`h` is 1e+30: expected a whole number from 0 to 9";
        assert_eq!(refusal(found.take("h").unwrap().integer(0..=9_u64)), said(message, "h"));
        let mut ignored = Vec::new();
        found.finish(&mut ignored);
        assert_eq!(ignored, ["u"]);
    }

    #[test]
    fn whole_numbers_may_have_a_fraction_of_zero() {
        let read = |text: &str| fields(&format!(r#"{{"a":{text}}}"#)).take("a").unwrap().integer(-5..=i64::MAX);
        assert_eq!((read("2.0").unwrap(), read("-5").unwrap()), (2, -5));
        assert_eq!(read("9223372036854775807").unwrap(), i64::MAX);
        assert!(read("9223372036854775808").is_err() && read("-6").is_err() && read("true").is_err());
    }

    #[test]
    fn bodies_that_are_no_object_are_refused() {
        for text in ["", "[]", "nul", "{\"a\":1,}", "3"] {
            assert_eq!(Fields::of_body(text.as_bytes()).unwrap_err().status, 400, "{text}");
        }
    }
}
