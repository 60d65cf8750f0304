//! What keeps a template, which is a program by whoever made the file, within bounds: every value is looked at where it
//! is made, stored or compared, and pays for its size. What a step costs is minijinja's; where values are looked at is
//! in `dialect.rs`.
//!
//! Minijinja's fuel pays for steps and for bytes that are made. It does not see what a value amounts to that shares its
//! parts: a list of twice the same list, forty times over, is forty lists, and compared or written, a million millions.
//! So a value pays for all it holds, each time it is put into another, as if nothing were shared; lists that would be
//! made while they are read become lists; and what may be assigned to holds nothing that may be assigned to, so that
//! nothing holds itself.

use super::environment::Cycler;
use minijinja::value::{Rest, Tuple, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State};

/// Names of the filters, which are no names in a template.
pub(super) const PLAIN: &str = "%plain";
pub(super) const WEIGH: &str = "%weigh";
pub(super) const GLANCE: &str = "%glance";
pub(super) const STORABLE: &str = "%storable";
pub(super) const FILTER: &str = "%filter";
pub(super) const TEST: &str = "%test";

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 64;

/// Values, or bytes of text, that cost one step.
const VALUES_PER_STEP: u64 = 2;
const BYTES_PER_STEP: usize = 64;

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter(PLAIN, plain);
    environment.add_filter(WEIGH, |state: &State<'_, '_>, value: Value| weigh(state, &value).map(|()| value));
    environment.add_filter(GLANCE, |state: &State<'_, '_>, value: Value| charge_text(state, &value).map(|()| value));
    environment.add_filter(STORABLE, storable);
    environment.add_filter(FILTER, |state: &mut State<'_, '_>, given: Rest<ValueOrKwargs>| {
        let given = given.into_values();
        let (name, values) = weighed(state, &given)?;
        state.apply_filter(&name, values).map_err(|error| named(error, ErrorKind::UnknownFilter, &name))
    });
    environment.add_test(TEST, |state: &mut State<'_, '_>, given: Rest<ValueOrKwargs>| {
        let given = given.into_values();
        let (name, values) = weighed(state, &given)?;
        state.perform_test(&name, values).map_err(|error| named(error, ErrorKind::UnknownTest, &name))
    });
}

/// The name of a filter or test, which comes last, and what it is given, paid for.
fn weighed<'v>(state: &State<'_, '_>, given: &'v [Value]) -> Result<(String, &'v [Value]), Error> {
    let (name, values) = given.split_last().ok_or_else(|| refused("a filter without a name"))?;
    values.iter().try_for_each(|value| weigh(state, value))?;
    Ok((name.to_string(), values))
}

/// An error of a kind that does not say what is unknown.
fn named(error: Error, kind: ErrorKind, name: &str) -> Error {
    if error.kind() == kind && error.detail().is_none() { Error::new(kind, format!("`{name}`")) } else { error }
}

pub(super) fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// What an error has as its source that a bound is the reason of.
#[derive(Debug, thiserror::Error)]
#[error("a bound of templates")]
struct Bound;

/// An error that a bound is the reason of, whatever the template is given.
pub(super) fn beyond(message: impl Into<String>) -> Error {
    refused(message).with_source(Bound)
}

/// Whether a bound is the reason of an error, or of what it comes from.
pub(super) fn is_beyond(error: &Error) -> bool {
    let mut causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    causes.any(|cause| {
        let is_fuel = |error: &Error| error.kind() == ErrorKind::OutOfFuel;
        cause.is::<Bound>() || cause.downcast_ref::<Error>().is_some_and(is_fuel)
    })
}

/// Pays for a text of so many bytes that is about to be read or made.
pub(super) fn charge_bytes(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / BYTES_PER_STEP) as u64)
}

/// Pays for a value's text, if it is one.
fn charge_text(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    value.as_str().map_or(Ok(()), |text| charge_bytes(state, text.len()))
}

/// The value with its items in place, paid for.
fn plain(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    let made = match value.kind() {
        ValueKind::Seq | ValueKind::Iterable if !is_plain(&value) => {
            let mut items = Vec::new();
            for item in value.try_iter()?.checked() {
                state.consume_fuel(1)?;
                items.push(item?);
            }
            Value::from(items)
        }
        _ => value,
    };
    weigh(state, &made)?;
    Ok(made)
}

/// Whether a list has its items in place.
fn is_plain(value: &Value) -> bool {
    value.downcast_object_ref::<Vec<Value>>().is_some() || value.downcast_object_ref::<Tuple>().is_some()
}

/// Pays for all that a value holds.
pub(super) fn weigh(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    let mut values = 0;
    visit(value, 0, &mut |value: &Value| {
        values += 1;
        if values % VALUES_PER_STEP == 0 {
            state.consume_fuel(1)?;
        }
        charge_text(state, value)
    })
}

/// The most bytes that a value's text has, which is paid for as it is looked at.
pub(super) fn written_bytes(state: &State<'_, '_>, value: &Value) -> Result<usize, Error> {
    // The digits of the largest number, and what stands for one byte of a text in a list at the most.
    const NUMBER: usize = 320;
    const ESCAPED: usize = "\\u{10ffff}".len();
    let mut bytes = 0usize;
    visit(value, 0, &mut |part: &Value| {
        bytes = bytes.saturating_add(match part.as_str() {
            Some(text) if std::ptr::eq(part, value) => text.len(),
            Some(text) => text.len().saturating_mul(ESCAPED),
            None => NUMBER,
        });
        state.consume_fuel(1)
    })?;
    Ok(bytes)
}

/// A value that an attribute may be set to: it holds nothing whose attributes can be set, itself first of all.
fn storable(state: &State<'_, '_>, value: Value, name: &str) -> Result<Value, Error> {
    if name.starts_with('_') {
        return Err(refused(format!("attribute {name:?} begins with an underscore, which a namespace does not take")));
    }
    let value = plain(state, value)?;
    visit(&value, 0, &mut |value: &Value| match value.as_object() {
        Some(object) if object.type_name().ends_with("::Namespace") => {
            Err(beyond(format!("attribute `{name}` is set to a value that holds a namespace: expected none inside")))
        }
        _ => Ok(()),
    })?;
    Ok(value)
}

/// Calls `look` for a value and all that it holds.
fn visit(value: &Value, depth: usize, look: &mut impl FnMut(&Value) -> Result<(), Error>) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(beyond(format!("values lie in each other more than {MAX_DEPTH} deep")));
    }
    look(value)?;
    if let Some(cycler) = value.downcast_object_ref::<Cycler>() {
        return cycler.items.iter().try_for_each(|item| visit(item, depth + 1, look));
    }
    match (value.kind(), value.as_object()) {
        (ValueKind::Seq | ValueKind::Iterable, _) => {
            value.try_iter()?.checked().try_for_each(|item| visit(&item?, depth + 1, look))
        }
        (ValueKind::Map, Some(map)) => map.try_iter_pairs().into_iter().flatten().try_for_each(|(key, item)| {
            visit(&key, depth + 1, look)?;
            visit(&item, depth + 1, look)
        }),
        _ => Ok(()),
    }
}
