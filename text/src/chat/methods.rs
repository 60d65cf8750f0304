//! Methods of Python's strings, dictionaries and lists. Most are minijinja-contrib's; here are those that it lacks, and
//! those of which it takes fewer arguments or treats fewer characters as Python does.

use super::bounds::{charge_bytes, refused, weigh};
use super::python::{charge_format, is_printable};
use minijinja::value::{Kwargs, Tuple, Value, ValueKind, from_args};
use minijinja::{Error, State};
use minijinja_contrib::pycompat;
use std::collections::HashSet;
use unicode_categories::UnicodeCategories as _;

/// The method of a value, where it has one of that name.
pub(super) fn call(state: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            charge_bytes(state, text.len())?;
            args.iter().try_for_each(|argument| weigh(state, argument))?;
            string(state, text, method, args)
                .unwrap_or_else(|| pycompat::unknown_method_callback(state, value, method, args))
        }
        ValueKind::Map if method == "copy" => from_args::<()>(args).map(|()| value.clone()),
        ValueKind::Seq | ValueKind::Iterable if method == "index" => {
            let (wanted, start, end): (&Value, Option<i64>, Option<i64>) = from_args(args)?;
            weigh(state, value)?;
            let count = value.len().unwrap_or_default() as i64;
            let place = |place: i64| if place < 0 { (place + count).max(0) } else { place } as usize;
            let places = place(start.unwrap_or(0))..place(end.unwrap_or(count));
            for (index, item) in value.try_iter()?.checked().enumerate() {
                if item? == *wanted && places.contains(&index) {
                    return Ok(Value::from(index));
                }
            }
            Err(refused("the value is not in the list"))
        }
        ValueKind::Seq | ValueKind::Iterable if method == "copy" => from_args::<()>(args).map(|()| value.clone()),
        ValueKind::Seq => {
            weigh(state, value)?;
            pycompat::unknown_method_callback(state, value, method, args)
        }
        _ => pycompat::unknown_method_callback(state, value, method, args),
    }
}

/// The result of a method of strings, `None` where minijinja-contrib has it.
fn string(state: &State<'_, '_>, text: &str, method: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    let padding = |place: Place| pad(state, text, args, place).map(Value::from);
    let once =
        |found: Option<usize>| -> Result<Value, Error> { Ok(found.map_or_else(|| Value::from(-1), Value::from)) };
    let must = |found: Option<usize>| found.map(Value::from).ok_or_else(|| refused("substring not found"));
    let is = |result: bool| from_args::<()>(args).map(|()| Value::from(result));
    Some(match method {
        "split" => split(text, args, false),
        "rsplit" => split(text, args, true),
        "removeprefix" => one(args).map(|prefix| Value::from(text.strip_prefix(prefix).unwrap_or(text))),
        "removesuffix" => one(args).map(|suffix| Value::from(text.strip_suffix(suffix).unwrap_or(text))),
        "find" => search(text, args, false).and_then(once),
        "rfind" => search(text, args, true).and_then(once),
        "index" => search(text, args, false).and_then(must),
        "rindex" => search(text, args, true).and_then(must),
        "count" => counted(text, args),
        "startswith" => affix(text, args, |text, affix| text.starts_with(affix)),
        "endswith" => affix(text, args, |text, affix| text.ends_with(affix)),
        "partition" => one(args).and_then(|mark| parts(text, mark, text.find(mark), false)),
        "rpartition" => one(args).and_then(|mark| parts(text, mark, text.rfind(mark), true)),
        "ljust" => padding(Place::Left),
        "rjust" => padding(Place::Right),
        "center" => padding(Place::Middle),
        "zfill" => zfill(state, text, args).map(Value::from),
        "strip" => strip(state, text, args, true, true),
        "lstrip" => strip(state, text, args, true, false),
        "rstrip" => strip(state, text, args, false, true),
        "splitlines" => split_lines(text, args),
        "swapcase" => from_args::<()>(args).map(|()| Value::from(text.chars().map(swapped).collect::<String>())),
        "casefold" => from_args::<()>(args).map(|()| Value::from(casefold(text))),
        "title" => from_args::<()>(args).map(|()| Value::from(title(text))),
        "expandtabs" => expand_tabs(state, text, args).map(Value::from),
        "isspace" => is(all(text, is_space)),
        "isprintable" => is(text.chars().all(is_printable)),
        "isdecimal" => is(all(text, |c| c.is_number_decimal_digit())),
        "isdigit" => is(all(text, |c| c.is_number_decimal_digit() || RAISED_OR_LOWERED.contains(c))),
        "isidentifier" => is(all(text, |c| c == '_' || c.is_alphanumeric()) && !text.starts_with(char::is_numeric)),
        "istitle" => is(text.chars().any(char::is_alphabetic) && title(text) == text),
        "format" => match charge_format(state, '{', text, args) {
            Ok(()) => return None,
            Err(error) => Err(error),
        },
        _ => return None,
    })
}

fn all(text: &str, is: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(is)
}

fn one(args: &[Value]) -> Result<&str, Error> {
    from_args::<(&str,)>(args).map(|(text,)| text)
}

/// What Python's `str.isspace` is true of: Unicode's white space and four control signs.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// What Python's `str.isdigit` is true of besides decimal digits, as far as text has it.
const RAISED_OR_LOWERED: &str = "²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉";

fn split(text: &str, args: &[Value], from_right: bool) -> Result<Value, Error> {
    let (mark, limit, named): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
    let mark = mark.or(named.get("sep")?).filter(|mark| !mark.is_none());
    let limit = limit.or(named.get("maxsplit")?).unwrap_or(-1);
    named.assert_all_used()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let list = |pieces: Vec<&str>| Value::from(pieces.into_iter().map(Value::from).collect::<Vec<_>>());
    let mut pieces: Vec<&str> = match &mark {
        None => return Ok(list(words(text, limit, from_right))),
        Some(mark) => {
            let mark =
                mark.as_str().ok_or_else(|| refused(format!("split: must be a text or none, not {}", mark.kind())))?;
            if mark.is_empty() {
                return Err(refused("split: empty separator"));
            }
            match from_right {
                true => text.rsplitn(limit.saturating_add(1), mark).collect(),
                false => text.splitn(limit.saturating_add(1), mark).collect(),
            }
        }
    };
    if from_right {
        pieces.reverse();
    }
    Ok(list(pieces))
}

/// Words between white space; behind so many cuts the rest is one.
fn words(text: &str, limit: usize, from_right: bool) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text.trim_matches(is_space));
    while !rest.is_empty() {
        let cut = if from_right { rest.rfind(is_space) } else { rest.find(is_space) };
        let Some(cut) = cut.filter(|_| found.len() < limit) else {
            found.push(rest);
            break;
        };
        let (before, after) = rest.split_at(cut);
        if from_right {
            found.push(after.trim_start_matches(is_space));
            rest = before.trim_end_matches(is_space);
        } else {
            found.push(before);
            rest = after.trim_start_matches(is_space);
        }
    }
    if from_right {
        found.reverse();
    }
    found
}

/// Where a text is found between two places, in characters.
fn search(text: &str, args: &[Value], from_right: bool) -> Result<Option<usize>, Error> {
    let (wanted, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let Some((part, before)) = between(text, start, end) else { return Ok(None) };
    let found = if from_right { part.rfind(wanted) } else { part.find(wanted) };
    Ok(found.map(|at| before + part[..at].chars().count()))
}

/// The part of a text between two places as Python counts them, and the number of characters before it.
fn between(text: &str, start: Option<i64>, end: Option<i64>) -> Option<(&str, usize)> {
    if start.is_none() && end.is_none() {
        return Some((text, 0));
    }
    let count = text.chars().count() as i64;
    let place = |place: i64| if place < 0 { (place + count).max(0) } else { place.min(count) };
    let (from, to) = (start.unwrap_or(0), place(end.unwrap_or(count)));
    if from > count || place(from) > to {
        return None;
    }
    let offset = |at: i64| text.char_indices().nth(at as usize).map_or(text.len(), |(offset, _)| offset);
    Some((&text[offset(place(from))..offset(to)], place(from) as usize))
}

fn counted(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (wanted, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let part = between(text, start, end).map(|(part, _)| part);
    Ok(Value::from(part.map_or(0, |part| part.matches(wanted).count())))
}

fn affix(text: &str, args: &[Value], fits: impl Fn(&str, &str) -> bool) -> Result<Value, Error> {
    let (wanted, start, end): (&Value, Option<i64>, Option<i64>) = from_args(args)?;
    let Some((part, _)) = between(text, start, end) else { return Ok(Value::from(false)) };
    let wrong =
        |value: &Value| refused(format!("the argument must be a text or a tuple of texts, not {}", value.kind()));
    if let Some(wanted) = wanted.as_str() {
        return Ok(Value::from(fits(part, wanted)));
    }
    if wanted.downcast_object_ref::<Tuple>().is_none() && wanted.kind() != ValueKind::Seq {
        return Err(wrong(wanted));
    }
    for item in wanted.try_iter()? {
        if fits(part, item.as_str().ok_or_else(|| wrong(&item))?) {
            return Ok(Value::from(true));
        }
    }
    Ok(Value::from(false))
}

fn parts(text: &str, mark: &str, found: Option<usize>, from_right: bool) -> Result<Value, Error> {
    if mark.is_empty() {
        return Err(refused("partition: empty separator"));
    }
    let three = match found {
        Some(at) => [&text[..at], mark, &text[at + mark.len()..]],
        None if from_right => ["", "", text],
        None => [text, "", ""],
    };
    Ok(Value::from(Tuple::from(three.map(Value::from).to_vec())))
}

/// Where a padded text stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Left,
    Right,
    Middle,
}

fn pad(state: &State<'_, '_>, text: &str, args: &[Value], place: Place) -> Result<String, Error> {
    let (width, fill): (i64, Option<&str>) = from_args(args)?;
    let fill = fill.unwrap_or(" ");
    if fill.chars().count() != 1 {
        return Err(refused("the fill character must be exactly one character long"));
    }
    let count = text.chars().count();
    let missing = usize::try_from(width).unwrap_or_default().saturating_sub(count);
    charge_bytes(state, missing.saturating_mul(fill.len()))?;
    let left = match place {
        Place::Left => 0,
        Place::Right => missing,
        // Python's: the odd one goes to the left where the width is odd.
        Place::Middle => missing / 2 + (missing & (missing + count) & 1),
    };
    Ok([&fill.repeat(left), text, &fill.repeat(missing - left)].concat())
}

fn zfill(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<String, Error> {
    let (width,): (i64,) = from_args(args)?;
    let missing = usize::try_from(width).unwrap_or_default().saturating_sub(text.chars().count());
    charge_bytes(state, missing)?;
    let sign = if text.starts_with(['+', '-']) { 1 } else { 0 };
    Ok([&text[..sign], &"0".repeat(missing), &text[sign..]].concat())
}

fn strip(state: &State<'_, '_>, text: &str, args: &[Value], left: bool, right: bool) -> Result<Value, Error> {
    let (characters,): (Option<&str>,) = from_args(args)?;
    state.consume_fuel(characters.map_or(0, str::len) as u64)?;
    let characters: Option<HashSet<char>> = characters.map(|characters| characters.chars().collect());
    let goes = |c: char| characters.as_ref().map_or_else(|| is_space(c), |characters| characters.contains(&c));
    let text = if left { text.trim_start_matches(goes) } else { text };
    Ok(Value::from(if right { text.trim_end_matches(goes) } else { text }))
}

/// What ends a line in Python, where CR and LF together end one.
const LINE_ENDS: [char; 10] =
    ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Lines without and with their ends; the last one is what stands behind the last end, and may be empty.
pub(super) fn lines(text: &str) -> Vec<(&str, &str)> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(LINE_ENDS) {
        let end = if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
        lines.push((&rest[..at], &rest[..at + end]));
        rest = &rest[at + end..];
    }
    lines.push((rest, rest));
    lines
}

fn split_lines(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (keep, named): (Option<bool>, Kwargs) = from_args(args)?;
    let keep = keep.or(named.get("keepends")?).unwrap_or(false);
    named.assert_all_used()?;
    let lines = lines(text).into_iter().filter(|(_, whole)| !whole.is_empty());
    Ok(Value::from(lines.map(|(line, whole)| Value::from(if keep { whole } else { line })).collect::<Vec<_>>()))
}

fn swapped(character: char) -> String {
    if character.is_uppercase() { character.to_lowercase().collect() } else { character.to_uppercase().collect() }
}

/// Lower case for comparisons: that of the upper case of the lower case, so that letters which differ in one of them
/// are one. The dotless i stays itself, Cherokee folds to its upper case.
fn casefold(text: &str) -> String {
    let fold = |c: char| -> String {
        match c {
            'ı' => c.to_string(),
            '\u{13a0}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => c.to_uppercase().collect(),
            _ => c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
        }
    };
    text.chars().map(fold).collect()
}

/// Python's title case: a letter behind what is no letter is upper case, an apostrophe is no letter.
fn title(text: &str) -> String {
    let (mut titled, mut inside) = (String::with_capacity(text.len()), false);
    for character in text.chars() {
        let cased = character.is_uppercase() || character.is_lowercase();
        match (cased, inside) {
            (true, true) => titled.extend(character.to_lowercase()),
            (true, false) => titled.extend(character.to_uppercase()),
            (false, _) => titled.push(character),
        }
        inside = cased;
    }
    titled
}

fn expand_tabs(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<String, Error> {
    let (size, named): (Option<i64>, Kwargs) = from_args(args)?;
    let size = usize::try_from(size.or(named.get("tabsize")?).unwrap_or(8)).unwrap_or_default();
    named.assert_all_used()?;
    charge_bytes(state, text.matches('\t').count().saturating_mul(size))?;
    let (mut expanded, mut column) = (String::with_capacity(text.len()), 0);
    for character in text.chars() {
        match character {
            '\t' if size > 0 => {
                let spaces = size - column % size;
                expanded.push_str(&" ".repeat(spaces));
                column += spaces;
            }
            '\t' => {}
            _ => {
                expanded.push(character);
                column = if matches!(character, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(expanded)
}
