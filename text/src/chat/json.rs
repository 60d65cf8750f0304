//! `tojson` of HF transformers: Python's `json.dumps`, with its arguments and without escapes for HTML.

use super::bounds::{beyond, charge_bytes, refused};
use super::python::repr_float;
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State};

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("tojson", tojson);
}

/// How values are written.
struct Style {
    ascii: bool,
    /// What a level is indented by; without it all is one line.
    indent: Option<String>,
    between_items: String,
    behind_key: String,
    sorted: bool,
}

/// The most that a level may be indented by.
const MAX_INDENT: usize = 64;

/// `tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn tojson(state: &State<'_, '_>, value: Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let given = given.into_values();
    let (given, named) = match given.split_last() {
        Some((last, places)) if last.is_kwargs() => (places, Kwargs::try_from(last.clone())?),
        _ => (&given[..], Kwargs::from_iter([("", Value::UNDEFINED); 0])),
    };
    let argument = |place: usize, name: &str| -> Result<Option<Value>, Error> {
        let value =
            given.get(place).cloned().map_or_else(|| named.get::<Option<Value>>(name), |value| Ok(Some(value)))?;
        Ok(value.filter(|value| !value.is_none()))
    };
    let indent = argument(1, "indent")?.map(|indent| indentation(&indent)).transpose()?;
    let (mut between_items, mut behind_key) = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    if let Some(separators) = argument(2, "separators")? {
        let pair: Vec<Value> = separators.try_iter()?.take(3).collect();
        match [pair.first().and_then(Value::as_str), pair.get(1).and_then(Value::as_str)] {
            [Some(item), Some(key)] if pair.len() == 2 && item.len() + key.len() <= MAX_INDENT => {
                (between_items, behind_key) = (item.to_owned(), key.to_owned());
            }
            _ => return Err(beyond("tojson: `separators` must be two short texts")),
        }
    }
    let is_true = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let (ascii, sorted) = (is_true(argument(0, "ensure_ascii")?), is_true(argument(3, "sort_keys")?));
    named.assert_all_used()?;
    let style = Style { ascii, indent, between_items, behind_key, sorted };
    let mut writer = Writer { state, style, text: String::new(), paid: 0 };
    writer.value(&value, 0)?;
    Ok(writer.text)
}

fn indentation(value: &Value) -> Result<String, Error> {
    let text = match (value.as_str(), i64::try_from(value.clone())) {
        (Some(text), _) => text.to_owned(),
        (None, Ok(spaces)) if spaces <= MAX_INDENT as i64 => " ".repeat(usize::try_from(spaces).unwrap_or_default()),
        (None, Ok(_)) => return Err(beyond(format!("tojson: `indent` is {value}, more than {MAX_INDENT}"))),
        (None, Err(_)) => {
            return Err(refused(format!("tojson: `indent` must be a number or a text, not {}", value.kind())));
        }
    };
    let short = text.len() <= MAX_INDENT;
    short.then_some(text).ok_or_else(|| beyond(format!("tojson: `indent` is longer than {MAX_INDENT} bytes")))
}

struct Writer<'s, 't, 'e> {
    state: &'s State<'t, 'e>,
    style: Style,
    text: String,
    /// Bytes that are paid for.
    paid: usize,
}

impl Writer<'_, '_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.state.consume_fuel(1)?;
        match value.kind() {
            ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.checked();
                self.list(['[', ']'], items, depth, |writer, item| writer.value(&item?, depth + 1))?;
            }
            ValueKind::Map => {
                let map = value.as_object().and_then(|map| map.try_iter_pairs()).into_iter().flatten();
                let mut pairs =
                    map.map(|(key, item)| Ok((key_text(&key)?, item))).collect::<Result<Vec<_>, Error>>()?;
                if self.style.sorted {
                    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                self.list(['{', '}'], pairs.into_iter(), depth, |writer, (key, item)| {
                    writer.string(&key);
                    writer.text.push_str(&writer.style.behind_key);
                    writer.value(&item, depth + 1)
                })?;
            }
            kind => return Err(refused(format!("tojson: a value of type {kind} is not JSON serializable"))),
        }
        charge_bytes(self.state, self.text.len() - self.paid)?;
        self.paid = self.text.len();
        Ok(())
    }

    /// Items between brackets, each on a line of its own where there is an indentation.
    fn list<T>(
        &mut self,
        [open, close]: [char; 2],
        items: impl Iterator<Item = T>,
        depth: usize,
        mut write: impl FnMut(&mut Self, T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.text.push(open);
        let mut any = false;
        for item in items {
            if any {
                self.text.push_str(&self.style.between_items);
            }
            self.line(depth + 1);
            write(self, item)?;
            any = true;
        }
        if any {
            self.line(depth);
        }
        self.text.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.style.indent {
            self.text.push('\n');
            (0..depth).for_each(|_| self.text.push_str(indent));
        }
    }

    fn string(&mut self, content: &str) {
        self.text.push('"');
        for character in content.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                '\0'..='\u{1f}' => self.text.push_str(&format!("\\u{:04x}", u32::from(character))),
                '\u{7f}'.. if self.style.ascii => {
                    let mut units = [0; 2];
                    let escaped = character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
                    self.text.extend(escaped);
                }
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
    }
}

fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(number) if !value.is_integer() => match number {
            f64::INFINITY => "Infinity".to_owned(),
            f64::NEG_INFINITY => "-Infinity".to_owned(),
            _ if number.is_nan() => "NaN".to_owned(),
            _ => repr_float(number),
        },
        _ => value.to_string(),
    }
}

/// The key of an object: texts, and what JSON writes for numbers, truth values and nothing.
fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool => Ok(if key.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number => Ok(number(key)),
        kind => Err(refused(format!("tojson: keys must be texts or numbers, not {kind}"))),
    }
}
