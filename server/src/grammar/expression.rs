//! Texts as expressions that match them alone. What does not belong here: grammars.

use std::fmt::Write;

/// A character in an expression.
pub fn escaped(character: char) -> String {
    if character.is_ascii_alphanumeric() { character.to_string() } else { format!("\\x{{{:X}}}", u32::from(character)) }
}

/// A text as a terminal of a grammar in Lark's form.
pub fn literal(text: &str) -> String {
    if text.is_empty() { "\"\"".to_owned() } else { format!("/{}/", text.chars().map(escaped).collect::<String>()) }
}

/// A terminal for one of some texts.
pub fn one_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut expression = String::new();
    for text in texts {
        let separator = if expression.is_empty() { "" } else { "|" };
        // A `String` takes everything.
        let _ = write!(expression, "{separator}{}", text.chars().map(escaped).collect::<String>());
    }
    expression
}
