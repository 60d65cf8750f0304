//! What Python makes text of values: `str` and `repr`, where minijinja writes values its own way, and its operators.
//! `json.dumps` is in `json.rs`, `%` on a text in `percent.rs`, methods of strings are in `methods.rs`.

use super::bounds::{charge_bytes, refused, written_bytes};
use super::percent::{formatted, percent};
use minijinja::value::{Tuple, Value, ValueKind};
use minijinja::{Environment, Error, Output, State};
use std::fmt::Write as _;
use unicode_categories::UnicodeCategories as _;

/// Names of the filters that operators become.
pub(super) const JOINED: &str = "%concat";
pub(super) const SUM: &str = "%add";
pub(super) const REMAINDER: &str = "%mod";

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.set_formatter(write_out);
    environment.add_filter(JOINED, joined);
    environment.add_filter(SUM, sum);
    environment.add_filter("format", formatted);
    environment.add_filter("string", str_of);
    environment.add_filter(REMAINDER, remainder);
}

fn write_out(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::Invalid || value.as_str().is_some() {
        return minijinja::escape_formatter(output, state, value);
    }
    let text = str_of(state, value.clone())?;
    minijinja::escape_formatter(output, state, &text)
}

/// `str(value)`.
pub(super) fn str_of(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_str().is_some() {
        return Ok(value);
    }
    let mut text = String::new();
    match value.kind() {
        ValueKind::Undefined | ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid => {
            return Ok(value.to_string().into());
        }
        _ => repr(state, &value, &mut text)?,
    }
    Ok(Value::from(text))
}

/// Appends `repr(value)`.
pub(super) fn repr(state: &State<'_, '_>, value: &Value, text: &mut String) -> Result<(), Error> {
    match value.kind() {
        ValueKind::String => {
            let content = value.as_str().unwrap_or_default();
            charge_bytes(state, content.len())?;
            repr_text(content, text);
        }
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(number) if !value.is_integer() => text.push_str(&repr_float(number)),
            _ => write!(text, "{value}").unwrap_or_default(),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            let tuple = value.downcast_object_ref::<Tuple>();
            text.push(if tuple.is_some() { '(' } else { '[' });
            for (index, item) in value.try_iter()?.checked().enumerate() {
                state.consume_fuel(1)?;
                text.push_str(if index == 0 { "" } else { ", " });
                repr(state, &item?, text)?;
            }
            text.push_str(match tuple {
                Some(items) if items.len() == 1 => ",)",
                Some(_) => ")",
                None => "]",
            });
        }
        ValueKind::Map => {
            text.push('{');
            let pairs = value.as_object().and_then(|map| map.try_iter_pairs());
            for (index, (key, item)) in pairs.into_iter().flatten().enumerate() {
                state.consume_fuel(1)?;
                text.push_str(if index == 0 { "" } else { ", " });
                repr(state, &key, text)?;
                text.push_str(": ");
                repr(state, &item, text)?;
            }
            text.push('}');
        }
        ValueKind::Undefined => text.push_str("Undefined"),
        _ => write!(text, "{value}").unwrap_or_default(),
    }
    Ok(())
}

/// A float as Python writes it: the shortest digits that give it again, with an exponent where it is large or small.
pub(super) fn repr_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = number.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// A text between quotes of Python, escaped as Python escapes it.
fn repr_text(content: &str, text: &mut String) {
    let quote = if content.contains('\'') && !content.contains('"') { '"' } else { '\'' };
    text.push(quote);
    for character in content.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ if character == quote => text.extend(['\\', quote]),
            _ if is_printable(character) => text.push(character),
            _ => {
                let code = u32::from(character);
                let escaped = match code {
                    0..=0xff => format!("\\x{code:02x}"),
                    0x100..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                };
                text.push_str(&escaped);
            }
        }
    }
    text.push(quote);
}

/// Whether Python writes a character as it is.
pub(super) fn is_printable(c: char) -> bool {
    // `escape_debug` escapes what is neither, and marks and quotes besides.
    matches!(c, ' ' | '"' | '\'') || c.is_mark() || !c.is_whitespace() && c.escape_debug().count() == 1
}

/// The operator `~`: of the texts of two values.
fn joined(state: &State<'_, '_>, left: Value, right: Value) -> Result<Value, Error> {
    let texts = [str_of(state, left)?, str_of(state, right)?];
    charge_texts(state, &texts)?;
    Ok(Value::from(texts.each_ref().map(Value::to_string).concat()))
}

fn charge_texts(state: &State<'_, '_>, texts: &[Value; 2]) -> Result<(), Error> {
    charge_bytes(state, texts.iter().filter_map(Value::as_str).map(str::len).sum())
}

/// Two texts as one. Beside one that is marked as safe for HTML, the other one is made so.
fn concatenated(state: &State<'_, '_>, texts: &[Value; 2]) -> Result<Value, Error> {
    charge_texts(state, texts)?;
    if !texts.iter().any(Value::is_safe) {
        return Ok(Value::from(texts.each_ref().map(Value::to_string).concat()));
    }
    let safe = |value: &Value| if value.is_safe() { value.to_string() } else { escaped(&value.to_string()) };
    Ok(Value::from_safe_string(texts.each_ref().map(safe).concat()))
}

/// A text as it may stand in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => done.push_str("&amp;"),
            '<' => done.push_str("&lt;"),
            '>' => done.push_str("&gt;"),
            '\'' => done.push_str("&#39;"),
            '"' => done.push_str("&#34;"),
            _ => done.push(character),
        }
    }
    done
}

/// The operator `+`: of two numbers, texts, lists or tuples.
fn sum(state: &State<'_, '_>, left: Value, right: Value) -> Result<Value, Error> {
    let wrong =
        || refused(format!("tried to use + operator on unsupported types {} and {}", left.kind(), right.kind()));
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::String) => concatenated(state, &[left, right]),
        (ValueKind::Seq | ValueKind::Iterable, ValueKind::Seq | ValueKind::Iterable)
            if left.is_tuple() == right.is_tuple() =>
        {
            let mut items = Vec::new();
            for item in left.try_iter()?.checked().chain(right.try_iter()?.checked()) {
                state.consume_fuel(1)?;
                items.push(item?);
            }
            Ok(if left.is_tuple() { Value::from(Tuple::from(items)) } else { Value::from(items) })
        }
        _ => match (whole(&left), whole(&right)) {
            (Some(a), Some(b)) => a.checked_add(b).map(Value::from).ok_or_else(|| refused("a sum is too large")),
            _ => match (number(&left), number(&right)) {
                (Some(a), Some(b)) => Ok(Value::from(a + b)),
                _ => Err(wrong()),
            },
        },
    }
}

/// A value that counts as a whole number.
fn whole(value: &Value) -> Option<i128> {
    (value.is_integer() || value.kind() == ValueKind::Bool).then(|| i128::try_from(value.clone()).ok())?
}

/// A value that counts as a number.
pub(super) fn number(value: &Value) -> Option<f64> {
    whole(value).map(|whole| whole as f64).or_else(|| value.is_number().then(|| f64::try_from(value.clone()).ok())?)
}

/// The operator `%`: of a text and values, and of two numbers.
fn remainder(state: &State<'_, '_>, left: Value, right: Value) -> Result<Value, Error> {
    if let Some(pattern) = left.as_str() {
        return percent(state, pattern, &right).map(Value::from);
    }
    let wrong = || refused(format!("tried to use % of {} and {}", left.kind(), right.kind()));
    let zero = || refused("modulo by zero");
    if let (Some(a), Some(b)) = (whole(&left), whole(&right)) {
        let rest = a.checked_rem(b).ok_or_else(zero)?;
        return Ok(Value::from(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }));
    }
    let (Some(a), Some(b)) = (number(&left), number(&right)) else { return Err(wrong()) };
    if b == 0.0 {
        return Err(zero());
    }
    let rest = a % b;
    Ok(Value::from(if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }))
}

/// Pays for a format before it is applied: for every width and precision that it names, and for the longest of its
/// arguments in each field. A field begins with `begin`.
pub(super) fn charge_format(state: &State<'_, '_>, begin: char, pattern: &str, given: &[Value]) -> Result<(), Error> {
    let mut widths = 0usize;
    for digits in pattern.split(|character: char| !character.is_ascii_digit()).filter(|digits| !digits.is_empty()) {
        widths = widths.saturating_add(digits.parse().unwrap_or(usize::MAX));
    }
    // A field is filled up with any character.
    charge_bytes(state, widths.saturating_mul(char::MAX_LEN_UTF8))?;
    let mut longest = 0;
    for argument in given {
        longest = longest.max(written_bytes(state, argument)?);
    }
    let fields = pattern.matches(begin).count();
    charge_bytes(state, fields.saturating_mul(longest).saturating_add(pattern.len()))
}
