//! Jinja2's filters for the shape of a text: `indent`, `truncate`, and `wordwrap`, which is Python's `textwrap` line by
//! line. Methods of Python's strings are in `methods.rs`.

use super::bounds::{charge_bytes, refused};
use super::methods;
use minijinja::value::{Kwargs, Rest, Value, ValueOrKwargs, from_args};
use minijinja::{Error, State};

/// `wordwrap(width=79, break_long_words=True, wrapstring="\n", break_on_hyphens=True)`.
pub(super) fn wordwrap(state: &State<'_, '_>, text: Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    type Given = (Option<usize>, Option<bool>, Option<String>, Option<bool>, Kwargs);
    let given = given.into_values();
    let (width, long, between, hyphens, named): Given = from_args(&given)?;
    let width = width.or(named.get("width")?).unwrap_or(79);
    let long = long.or(named.get("break_long_words")?).unwrap_or(true);
    let between = between.or(named.get("wrapstring")?).unwrap_or_else(|| "\n".to_owned());
    let hyphens = hyphens.or(named.get("break_on_hyphens")?).unwrap_or(true);
    named.assert_all_used()?;
    if width == 0 {
        return Err(refused("wordwrap: the width must be greater than 0"));
    }
    let text = text.to_string();
    let mut lines = Vec::new();
    for line in text.lines() {
        state.consume_fuel(1)?;
        wrap(state, line, width, (long, hyphens), &mut lines)?;
    }
    charge_bytes(state, between.len().saturating_mul(lines.len()))?;
    Ok(lines.join(&between))
}

/// `indent(width=4, first=False, blank=False)`; the width is a number of spaces or a text.
pub(super) fn indent(state: &State<'_, '_>, text: Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let given = given.into_values();
    let (width, first, blank, named): (Option<Value>, Option<bool>, Option<bool>, Kwargs) = from_args(&given)?;
    let width = width.or(named.get("width")?).unwrap_or_else(|| Value::from(4));
    let first = first.or(named.get("first")?).unwrap_or(false);
    let blank = blank.or(named.get("blank")?).unwrap_or(false);
    named.assert_all_used()?;
    let text = text.to_string();
    // A line of its own for what stands behind the last one's end, as in Jinja2.
    let lines = methods::lines(&text);
    let before = match width.as_str() {
        Some(before) => {
            charge_bytes(state, before.len().saturating_mul(lines.len()))?;
            before.to_owned()
        }
        None => {
            let width = usize::try_from(width)?;
            charge_bytes(state, width.saturating_mul(lines.len()))?;
            " ".repeat(width)
        }
    };
    let indented = lines.iter().enumerate().map(|(at, (line, _))| {
        let bare = if at == 0 { !first } else { line.is_empty() && !blank };
        if bare { (*line).to_owned() } else { [&before, *line].concat() }
    });
    Ok(indented.collect::<Vec<_>>().join("\n"))
}

/// `truncate(length=255, killwords=False, end='...', leeway=5)`.
pub(super) fn truncate(text: Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    type Given = (Option<usize>, Option<bool>, Option<String>, Option<usize>, Kwargs);
    let given = given.into_values();
    let (length, cut_words, end, leeway, named): Given = from_args(&given)?;
    let length = length.or(named.get("length")?).unwrap_or(255);
    let cut_words = cut_words.or(named.get("killwords")?).unwrap_or(false);
    let end = end.or(named.get("end")?).unwrap_or_else(|| "...".to_owned());
    let leeway = leeway.or(named.get("leeway")?).unwrap_or(5);
    named.assert_all_used()?;
    let text = text.to_string();
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let kept = length.checked_sub(end.chars().count());
    let kept = kept.ok_or_else(|| refused(format!("truncate: {length} characters are less than its end has")))?;
    let cut: String = text.chars().take(kept).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    Ok([if cut_words { &cut } else { words }, &end].concat())
}

/// Appends the lines that one becomes, of no more than `width` characters where words allow it, and pays for each.
fn wrap(
    state: &State<'_, '_>,
    line: &str,
    width: usize,
    (long, hyphens): (bool, bool),
    lines: &mut Vec<String>,
) -> Result<(), Error> {
    let mut chunks = chunks(state, line, hyphens)?;
    chunks.reverse();
    let before = lines.len();
    let blank = |(chunk, _): &(&str, usize)| chunk.trim().is_empty();
    while !chunks.is_empty() {
        // White space at a border goes, but for the first line's beginning.
        if lines.len() > before && chunks.last().is_some_and(blank) {
            chunks.pop();
        }
        let (mut current, mut used): (Vec<(&str, usize)>, usize) = (Vec::new(), 0);
        while let Some(chunk) = chunks.pop_if(|&mut (_, count)| used + count <= width) {
            used += chunk.1;
            current.push(chunk);
        }
        if let Some((chunk, count)) = chunks.last().copied().filter(|&(_, count)| count > width) {
            if long {
                let taken = width - used;
                let (now, later) = chunk.split_at(chunk.char_indices().nth(taken).map_or(chunk.len(), |(at, _)| at));
                current.push((now, taken));
                chunks.pop();
                chunks.push((later, count - taken));
            } else if current.is_empty() {
                current.extend(chunks.pop());
            }
        }
        if current.last().is_some_and(blank) {
            current.pop();
        }
        state.consume_fuel(1)?;
        if !current.is_empty() {
            lines.push(current.iter().map(|&(chunk, _)| chunk).collect());
        }
    }
    if lines.len() == before {
        lines.push(String::new());
    }
    Ok(())
}

/// Words and the white space between them, each with its number of characters; a word ends behind a hyphen between
/// letters too.
fn chunks<'l>(state: &State<'_, '_>, line: &'l str, hyphens: bool) -> Result<Vec<(&'l str, usize)>, Error> {
    let (mut chunks, mut start, mut count) = (Vec::new(), 0, 0);
    let (mut before, mut last): (Option<char>, Option<char>) = (None, None);
    for (at, character) in line.char_indices() {
        let hyphen =
            hyphens && last == Some('-') && character.is_alphabetic() && before.is_some_and(char::is_alphabetic);
        if hyphen || last.is_some_and(|last| last.is_whitespace() != character.is_whitespace()) {
            state.consume_fuel(1)?;
            chunks.push((&line[start..at], count));
            (start, count) = (at, 0);
        }
        count += 1;
        (before, last) = (last, Some(character));
    }
    chunks.extend((start < line.len()).then(|| (&line[start..], count)));
    Ok(chunks)
}
