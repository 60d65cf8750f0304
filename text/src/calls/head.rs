//! The beginning of a call that is a JSON object: its name, and where its arguments begin. What does not belong here:
//! the arguments themselves.

use super::scan::{Scan, Step};

/// What a text begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// More text is needed.
    More,
    /// No call.
    None,
    /// A call with its arguments behind `end` bytes, an object.
    Object {
        /// The name of the tool.
        name: String,
        /// Where the arguments begin.
        end: usize,
    },
    /// A call with its arguments. The rest of its object is behind `end` bytes.
    Whole {
        /// The name of the tool.
        name: String,
        /// The arguments.
        arguments: String,
        /// The bytes before the rest.
        end: usize,
    },
    /// A call whose parameters are between tags, behind `end` bytes.
    Marked {
        /// The name of the tool.
        name: String,
        /// The bytes before the parameters.
        end: usize,
    },
}

/// The beginning of `{"name": NAME, "arguments": {...}}`, with the fields in any order, other fields between them, and
/// `parameters` for `arguments`. Some models write the arguments as a text.
pub fn head(text: &str) -> Head {
    let mut reader = Reader { text, at: 0 };
    match reader.call() {
        Ok(head) => head,
        Err(End::More) => Head::More,
        Err(End::Wrong) => Head::None,
    }
}

/// Why a text cannot be read on.
enum End {
    More,
    Wrong,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The next character that is no blank.
    fn next(&mut self) -> Result<char, End> {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.rest().chars().next().ok_or(End::More)
    }

    fn expect(&mut self, character: char) -> Result<(), End> {
        if self.next()? != character {
            return Err(End::Wrong);
        }
        self.at += character.len_utf8();
        Ok(())
    }

    fn call(&mut self) -> Result<Head, End> {
        self.expect('{')?;
        let (mut name, mut arguments) = (None, None);
        loop {
            if self.next()? == '}' {
                // The bracket is left: it ends the object.
                break;
            }
            let key = self.string()?;
            self.expect(':')?;
            let first = self.next()?;
            match key.as_str() {
                "name" => name = Some(self.string()?),
                "arguments" | "parameters" => {
                    if let (Some(name), '{') = (&name, first) {
                        return Ok(Head::Object { name: name.clone(), end: self.at });
                    }
                    arguments = Some(self.arguments(first)?);
                }
                _ => _ = self.value(first)?,
            }
            if let (Some(name), Some(arguments)) = (&name, &arguments) {
                return Ok(Head::Whole { name: name.clone(), arguments: arguments.clone(), end: self.at });
            }
            match self.next()? {
                ',' => self.at += 1,
                '}' => {}
                _ => return Err(End::Wrong),
            }
        }
        let name = name.ok_or(End::Wrong)?;
        Ok(Head::Whole { name, arguments: arguments.unwrap_or_else(|| "{}".to_owned()), end: self.at })
    }

    fn string(&mut self) -> Result<String, End> {
        if self.next()? != '"' {
            return Err(End::Wrong);
        }
        let raw = self.value('"')?;
        serde_json::from_str(raw).map_err(|_| End::Wrong)
    }

    /// The text of a value that begins with this character.
    fn value(&mut self, first: char) -> Result<&'t str, End> {
        let rest = self.rest();
        let length = match first {
            '{' | '[' => match Scan::default().run(rest) {
                (length, Step::Done) => length,
                (_, Step::Inside) => return Err(End::More),
                (_, Step::Wrong) => return Err(End::Wrong),
            },
            '"' => {
                let mut escaped = true;
                let is_end = |c: char| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                };
                // The first quote counts as escaped: it ends nothing.
                rest.find(is_end).ok_or(End::More)? + 1
            }
            _ => rest.find(|c: char| c == ',' || c == '}' || c.is_whitespace()).ok_or(End::More)?,
        };
        self.at += length;
        Ok(&rest[..length])
    }

    /// Arguments that are complete: an object, an object as a text, or none.
    fn arguments(&mut self, first: char) -> Result<String, End> {
        let raw = self.value(first)?;
        let text = match first {
            '"' => serde_json::from_str::<String>(raw).map_err(|_| End::Wrong)?,
            _ if raw == "null" => "{}".to_owned(),
            _ => raw.to_owned(),
        };
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).is_ok();
        if is_object { Ok(text) } else { Err(End::Wrong) }
    }
}
