//! The variables of a template, with all texts in them written so that none is taken for a control token. What does not
//! belong here: how a text is written so (`tokenizer/quote.rs`).

use minijinja::value::{Value, ValueKind};

/// Codes that Unicode keeps for the inside of programs, which stand for no character.
pub(super) const NO_CHARACTERS: std::ops::RangeInclusive<char> = '\u{fdd0}'..='\u{fdef}';

/// A code that no text among the variables has.
pub(super) fn free_mark(variables: &Value) -> Option<char> {
    NO_CHARACTERS.clone().find(|mark| !any_text(variables, &|text| text.contains(*mark)))
}

/// Whether `is_so` of a text among the variables.
fn any_text(value: &Value, is_so: &impl Fn(&str) -> bool) -> bool {
    match value.kind() {
        ValueKind::String => value.as_str().is_some_and(is_so),
        ValueKind::Seq | ValueKind::Iterable => items(value).any(|item| any_text(&item, is_so)),
        ValueKind::Map => items(value)
            .any(|key| any_text(&key, is_so) || value.get_item(&key).is_ok_and(|item| any_text(&item, is_so))),
        _ => false,
    }
}

/// The variables with what `change` makes of each text, those of keys included.
pub(super) fn with_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => Value::from(change(text)),
        (ValueKind::Seq | ValueKind::Iterable, _) => items(value).map(|item| with_texts(&item, change)).collect(),
        (ValueKind::Map, _) => {
            let entry = |key: Value| {
                let item = value.get_item(&key).unwrap_or_default();
                (with_texts(&key, change), with_texts(&item, change))
            };
            Value::from_pairs(items(value).map(entry))
        }
        _ => value.clone(),
    }
}

/// The elements of a list, the keys of a map.
fn items(value: &Value) -> impl Iterator<Item = Value> {
    value.try_iter().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn all_texts_are_changed_and_nothing_else() {
        let value = context! { a => "x", list => vec!["y", "z"], map => context! { b => 3, none => () } };
        let changed = with_texts(&value, &|text| format!("{text}!"));
        let inner = [("b!", Value::from(3)), ("none!", Value::from(()))];
        let expected =
            [("a!", Value::from("x!")), ("list!", Value::from(vec!["y!", "z!"])), ("map!", Value::from_pairs(inner))];
        assert_eq!(changed, Value::from_pairs(expected));
    }

    #[test]
    fn the_mark_is_in_no_text() {
        let value = context! { list => vec!["\u{fdd0}"], map => context! { b => context! { c => "\u{fdd1}" } } };
        assert_eq!(free_mark(&value), Some('\u{fdd2}'));
        let all: String = NO_CHARACTERS.clone().collect();
        assert_eq!(free_mark(&Value::from(all)), None);
    }
}
