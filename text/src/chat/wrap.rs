//! Jinja2's filters for the shape of a text: `indent`, `truncate`, and `wordwrap`, which is Python's `textwrap` line by
//! line. Methods of Python's strings are in `methods.rs`.

use super::bounds::{charge_bytes, refused};
use super::methods::LINE_ENDS;
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
    charge_bytes(state, between.len().saturating_mul(text.len() / width + 1))?;
    let mut lines = Vec::new();
    for line in text.lines() {
        wrap(line, width, long, hyphens, &mut lines);
    }
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
    let lines: Vec<&str> = split_lines(&text);
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
    let indented = lines.iter().enumerate().map(|(at, line)| {
        let bare = if at == 0 { !first } else { line.is_empty() && !blank };
        if bare { (*line).to_owned() } else { [&before, *line].concat() }
    });
    Ok(indented.collect::<Vec<_>>().join("\n"))
}

/// Lines up to every end that Python knows, and what is behind the last one.
fn split_lines(text: &str) -> Vec<&str> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(LINE_ENDS) {
        lines.push(&rest[..at]);
        let end = if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
        rest = &rest[at + end..];
    }
    lines.push(rest);
    lines
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

/// Appends the lines that one becomes, of no more than `width` characters where words allow it.
fn wrap(line: &str, width: usize, long: bool, hyphens: bool, lines: &mut Vec<String>) {
    let mut chunks = chunks(line, hyphens);
    chunks.reverse();
    let before = lines.len();
    let blank = |chunk: &&str| chunk.trim().is_empty();
    while !chunks.is_empty() {
        // White space at a border goes, but for the first line's beginning.
        if lines.len() > before && chunks.last().is_some_and(blank) {
            chunks.pop();
        }
        let (mut current, mut used): (Vec<&str>, usize) = (Vec::new(), 0);
        while let Some(chunk) = chunks.last().copied().filter(|chunk| used + chunk.chars().count() <= width) {
            used += chunk.chars().count();
            current.push(chunk);
            chunks.pop();
        }
        if let Some(chunk) = chunks.last().copied().filter(|chunk| chunk.chars().count() > width) {
            if long {
                let cut = chunk.char_indices().nth(width - used).map_or(chunk.len(), |(at, _)| at);
                let (now, later) = chunk.split_at(if width > used { cut } else { 0 });
                current.push(now);
                chunks.pop();
                chunks.push(later);
            } else if current.is_empty() {
                current.push(chunk);
                chunks.pop();
            }
        }
        if current.last().is_some_and(blank) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    if lines.len() == before {
        lines.push(String::new());
    }
}

/// Words and the white space between them; a word ends behind a hyphen between letters too.
fn chunks(line: &str, hyphens: bool) -> Vec<&str> {
    let (mut chunks, mut start) = (Vec::new(), 0);
    let characters: Vec<(usize, char)> = line.char_indices().collect();
    for three in characters.windows(2) {
        let [(at, one), (next, two)] = three else { continue };
        let letter = |c: char| c.is_alphabetic();
        let before = line[..*at].chars().next_back();
        let hyphen = hyphens && *one == '-' && letter(*two) && before.is_some_and(letter);
        if one.is_whitespace() != two.is_whitespace() || hyphen {
            chunks.push(&line[start..*next]);
            start = *next;
        }
    }
    chunks.extend((start < line.len()).then(|| &line[start..]));
    chunks
}
