//! How far a JSON object or array goes, in text that arrives in pieces: brackets and strings alone. What does not
//! belong here: what is within.

/// Where in a JSON value a text ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The brackets that are to come.
    closing: Vec<char>,
    in_string: bool,
    escaped: bool,
}

/// What a text is, as far as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value goes on.
    Inside,
    /// The value is complete.
    Done,
    /// No value goes on like this.
    Wrong,
}

/// Deepest nesting.
const DEEPEST: usize = 256;

impl Scan {
    /// Within an object.
    pub fn within_object() -> Scan {
        Scan { closing: vec!['}'], ..Scan::default() }
    }

    /// Goes on with this text; the length of what belongs to the value.
    pub fn run(&mut self, text: &str) -> (usize, Step) {
        for (at, character) in text.char_indices() {
            match self.push(character) {
                Step::Inside => {}
                Step::Done => return (at + character.len_utf8(), Step::Done),
                Step::Wrong => return (at, Step::Wrong),
            }
        }
        (text.len(), Step::Inside)
    }

    fn push(&mut self, character: char) -> Step {
        if self.in_string {
            let is_control = u32::from(character) < 0x20;
            let ends = character == '"' && !self.escaped;
            self.escaped = character == '\\' && !self.escaped;
            self.in_string = !ends;
            return if is_control { Step::Wrong } else { Step::Inside };
        }
        match character {
            '"' => self.in_string = true,
            '{' => self.closing.push('}'),
            '[' => self.closing.push(']'),
            '}' | ']' if self.closing.pop() != Some(character) => return Step::Wrong,
            '}' | ']' if self.closing.is_empty() => return Step::Done,
            _ => {}
        }
        if self.closing.len() > DEEPEST { Step::Wrong } else { Step::Inside }
    }
}
