//! Filters of Jinja2 that minijinja lacks, or whose arguments it takes in fewer ways than Jinja2: each may stand in its
//! place or have its name. Filters on lines of text are in `wrap.rs`, on HTML in `environment.rs`.

use super::bounds::refused;
use super::python::{escaped, number, str_of};
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, filters};

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("batch", batch);
    environment.add_filter("slice", slice);
    environment.add_filter("dictsort", dictsort);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("float", float);
    environment.add_filter("int", int);
    environment.add_filter("xmlattr", xmlattr);
    // What minijinja writes there is Rust's.
    environment.remove_filter("pprint");
}

/// The arguments of these names, by place or by name.
pub(super) fn arguments<const N: usize>(
    given: Rest<ValueOrKwargs>,
    names: [&str; N],
) -> Result<[Option<Value>; N], Error> {
    let given = given.into_values();
    let (places, named) = match given.split_last() {
        Some((last, places)) if last.is_kwargs() => (places, Kwargs::try_from(last.clone())?),
        _ => (&given[..], Kwargs::from_iter(Vec::<(String, Value)>::new())),
    };
    if places.len() > N {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let mut found = [const { None }; N];
    for (at, name) in names.into_iter().enumerate() {
        found[at] = match places.get(at) {
            Some(value) => Some(value.clone()),
            None if named.has(name) => Some(named.get(name)?),
            None => None,
        };
    }
    named.assert_all_used()?;
    Ok(found)
}

/// A number of things that there must be.
fn count(given: Option<Value>) -> Result<usize, Error> {
    usize::try_from(given.ok_or_else(|| Error::from(ErrorKind::MissingArgument))?)
}

fn batch(state: &State<'_, '_>, items: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [size, fill] = arguments(given, ["linecount", "fill_with"])?;
    filters::batch(state, items, count(size)?, fill)
}

fn slice(state: &State<'_, '_>, items: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [slices, fill] = arguments(given, ["slices", "fill_with"])?;
    filters::slice(state, items, count(slices)?, fill)
}

fn dictsort(map: &Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let names = ["case_sensitive", "by", "reverse"];
    let found = arguments(given, names)?;
    if let Some(by) = found[1].as_ref().filter(|by| !matches!(by.as_str(), Some("key" | "value"))) {
        return Err(refused(format!("dictsort: by is {by}, expected \"key\" or \"value\"")));
    }
    let named = names.into_iter().zip(found).filter_map(|(name, value)| Some((name.to_owned(), value?)));
    filters::dictsort(map, named.collect())
}

fn default(value: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [other, falsy] = arguments(given, ["default_value", "boolean"])?;
    let is_absent = value.is_undefined() || falsy.is_some_and(|falsy| falsy.is_true()) && !value.is_true();
    Ok(if is_absent { other.unwrap_or_else(|| Value::from("")) } else { value })
}

/// A number, or a text that is one; another value is what the default says.
fn float(value: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [other] = arguments(given, ["default"])?;
    let found = value.as_str().map_or_else(|| number(&value), float_of);
    Ok(found.map_or_else(|| other.unwrap_or_else(|| Value::from(0.0)), Value::from))
}

/// The same as a whole number, rounded towards zero.
fn int(value: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [other, base] = arguments(given, ["default", "base"])?;
    if value.is_integer() {
        return Ok(value);
    }
    let base = base.map_or(Ok(10), u32::try_from)?;
    if base == 1 || base > 36 {
        return Err(refused(format!("int: the base is {base}, expected 0 or 2 to 36")));
    }
    let cut = |number: f64| (number.abs() < 1e38).then_some(number as i128);
    let found = match value.as_str() {
        Some(text) => whole_of(text, base).or_else(|| float_of(text).and_then(cut)),
        None => number(&value).and_then(cut),
    };
    Ok(found.map_or_else(|| other.unwrap_or_else(|| Value::from(0)), Value::from))
}

/// A text's digits without space around them and without the underscores that Python allows between two of them.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let is_digit = |part: Option<&str>, last: bool| {
        let character = part.and_then(|part| if last { part.chars().next_back() } else { part.chars().next() });
        character.is_some_and(char::is_alphanumeric)
    };
    let parts: Vec<&str> = text.split('_').collect();
    let is_sound =
        parts.windows(2).all(|pair| is_digit(pair.first().copied(), true) && is_digit(pair.get(1).copied(), false));
    is_sound.then(|| parts.concat())
}

fn float_of(text: &str) -> Option<f64> {
    digits(text)?.parse().ok()
}

/// `int(text, base)`, where base 0 asks for the prefix that literals have.
fn whole_of(text: &str, base: u32) -> Option<i128> {
    let text = digits(text)?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let prefixed = [(16, "0x"), (8, "0o"), (2, "0b")].into_iter().find_map(|(of, prefix)| {
        let begin = digits.get(..prefix.len())?.to_ascii_lowercase();
        (begin == prefix && (base == of || base == 0)).then(|| (of, &digits[prefix.len()..]))
    });
    let (base, digits) = prefixed.unwrap_or((if base == 0 { 10 } else { base }, digits));
    // A second sign is none.
    let is_sound = digits.starts_with(char::is_alphanumeric);
    is_sound.then(|| i128::from_str_radix(digits, base).ok()).flatten()?.checked_mul(sign)
}

/// Attributes of an element of XML, but for those that are `none` or undefined.
fn xmlattr(state: &State<'_, '_>, map: Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [space] = arguments(given, ["autospace"])?;
    let pairs = map.as_object().filter(|_| map.kind() == ValueKind::Map).and_then(|map| map.try_iter_pairs());
    let pairs = pairs.ok_or_else(|| refused(format!("xmlattr: expected a map, found {}", map.kind())))?;
    let mut attributes = Vec::new();
    for (key, value) in pairs {
        state.consume_fuel(1)?;
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let name = key.as_str().filter(|name| !name.contains([' ', '\t', '\n', '\r', '\x0b', '\x0c', '/', '>', '=']));
        let name = name.ok_or_else(|| refused(format!("xmlattr: {key} is no name of an attribute")))?;
        let text = str_of(state, value)?;
        let text = if text.is_safe() { text.to_string() } else { escaped(&text.to_string()) };
        attributes.push(format!("{}=\"{text}\"", escaped(name)));
    }
    let begin = if attributes.is_empty() || space.is_some_and(|space| !space.is_true()) { "" } else { " " };
    Ok(begin.to_owned() + &attributes.join(" "))
}
