//! Python's operator `%` on a text, and the filter `format`, which is the same: fields are found here and given their
//! values; how a number is written in its field is minijinja's. `str.format` is in `methods.rs`.

use super::bounds::{charge_bytes, refused};
use super::python::{charge_format, repr, str_of};
use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Rest, Tuple, Value, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Error, State};

/// The filter: `%` with its values beside each other, or by their names.
pub(super) fn formatted(state: &State<'_, '_>, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let given = given.into_values();
    let (pattern, values): (&Value, Rest<ValueOrKwargs>) = from_args(&given)?;
    let values = values.into_values();
    let values = match values.last() {
        Some(named) if named.is_kwargs() && values.len() > 1 => {
            return Err(refused("format takes values in their places or by name, not both"));
        }
        Some(named) if named.is_kwargs() => named.clone(),
        _ => Value::from(Tuple::from(values)),
    };
    percent(state, &pattern.to_string(), &values).map(Value::from)
}

/// `pattern % values`.
pub(super) fn percent(state: &State<'_, '_>, pattern: &str, values: &Value) -> Result<String, Error> {
    let tuple = values.downcast_object_ref::<Tuple>();
    let items = tuple.map_or_else(|| vec![values.clone()], |tuple| tuple.to_vec());
    charge_format(state, '%', pattern, &items)?;
    let mut items = items.into_iter();
    let (mut text, mut rest) = (String::new(), pattern);
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        rest = field(state, rest, values, &mut items, &mut text)?;
    }
    // A single value that has keys need not be written.
    let may_stay = tuple.is_none() && matches!(values.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable);
    if items.next().is_some() && !may_stay {
        return Err(refused("more values than fields: not all arguments converted during string formatting"));
    }
    text.push_str(rest);
    Ok(text)
}

/// Writes one field, which begins behind its sign, and returns what follows it.
fn field<'p>(
    state: &State<'_, '_>,
    pattern: &'p str,
    values: &Value,
    items: &mut impl Iterator<Item = Value>,
    text: &mut String,
) -> Result<&'p str, Error> {
    let few = || refused("fewer values than fields: not enough arguments for format string");
    let (key, mut rest) = match pattern.strip_prefix('(').and_then(|named| named.split_once(')')) {
        Some((key, rest)) => (Some(key), rest),
        None => (None, pattern),
    };
    let mut layout = String::new();
    let is_digit = |character: char| character.is_ascii_digit();
    let conversion = loop {
        let character = rest.chars().next().ok_or_else(|| refused("a field without its letter: incomplete format"))?;
        rest = &rest[character.len_utf8()..];
        match character {
            '*' => {
                // Digits beside it would make another number of it than the one that is paid for.
                if layout.ends_with(is_digit) || rest.starts_with(is_digit) {
                    return Err(refused("a field with two widths: unsupported format character"));
                }
                let width = i64::try_from(items.next().ok_or_else(few)?)?;
                charge_bytes(state, usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX))?;
                layout.push_str(&width.to_string());
            }
            '#' | '-' | '+' | ' ' | '.' | '0'..='9' => layout.push(character),
            'h' | 'l' | 'L' => {}
            _ => break character,
        }
    };
    let value = match key {
        Some(key) if values.kind() == ValueKind::Map => values.get_item(&Value::from(key))?,
        Some(_) => return Err(refused("format requires a mapping")),
        None => items.next().ok_or_else(few)?,
    };
    if key.is_some() && value.is_undefined() {
        return Err(refused(format!("there is no {} to write", key.unwrap_or_default())));
    }
    let (conversion, value) = match conversion {
        's' => ('s', str_of(state, value)?),
        'r' => {
            let mut written = String::new();
            repr(state, &value, &mut written)?;
            ('s', Value::from(written))
        }
        'd' | 'i' | 'u' if value.is_number() && !value.is_integer() => {
            ('d', Value::from(f64::try_from(value)? as i128))
        }
        'd' | 'i' | 'u' => ('d', value),
        other => (other, value),
    };
    text.push_str(&format(FormatStyle::Printf, &format!("%{layout}{conversion}"), &[value])?);
    Ok(rest)
}
