//! Grammars in llama.cpp's form (GBNF) in that of Lark, which the compiler reads. What does not belong here: compiling.
//!
//! What refers to no rule that refers to itself is regular, and becomes a terminal: a regular grammar is one expression
//! and means exactly what GBNF says. Where a grammar is recursive, its regular parts are read as terminals are, each as
//! far as it goes. Source of the syntax: `grammars/README.md` of llama.cpp.

use super::expression::escaped;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A part of a rule.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    /// An expression for a text or for one of some characters.
    Regex(String),
    /// A rule.
    Rule(usize),
    /// Alternatives.
    Group(Vec<Vec<Item>>),
    /// So many times.
    Repeat(Box<Item>, usize, Option<usize>),
}

/// Most times that a part may be repeated by count.
const MOST_TIMES: usize = 10_000;

/// The grammar in Lark's form.
///
/// # Errors
/// The text is no grammar: one line that says what was found where.
pub fn to_lark(text: &str) -> Result<String, String> {
    let mut parser = Parser { text, at: 0, names: BTreeMap::new(), rules: Vec::new() };
    parser.rules()?;
    let Parser { names, rules, .. } = parser;
    let &root = names.get("root").ok_or("there is no rule `root`")?;
    let mut bodies = Vec::new();
    for (name, at) in names.iter().map(|(name, at)| (name, *at)) {
        bodies.push((at, rules[at].clone().ok_or_else(|| format!("the rule `{name}` is not defined"))?));
    }
    bodies.sort_by_key(|(at, _)| *at);
    let bodies: Vec<Vec<Vec<Item>>> = bodies.into_iter().map(|(_, body)| body).collect();
    let regular = regular(&bodies);
    let mut lark = Lark { regular, terminals: String::new(), count: 0 };
    let mut out = format!("start: {}\n", lark.rule_name(root));
    for (at, body) in bodies.iter().enumerate() {
        let body = if lark.regular[at] { lark.expression(body) } else { lark.alternatives(body) };
        let _ = writeln!(out, "{}: {body}", lark.rule_name(at));
    }
    Ok(out + &lark.terminals)
}

/// Which rules lead to no rule that leads to itself.
fn regular(bodies: &[Vec<Vec<Item>>]) -> Vec<bool> {
    let uses: Vec<Vec<usize>> = bodies.iter().map(|body| used(body)).collect();
    // Rules are taken out whose rules have all been taken out: what is left is on a circle or leads to one.
    let mut regular = vec![false; bodies.len()];
    loop {
        let is_next = |at: &usize| !regular[*at] && uses[*at].iter().all(|used| regular[*used]);
        let next: Vec<usize> = (0..bodies.len()).filter(is_next).collect();
        if next.is_empty() {
            return regular;
        }
        next.into_iter().for_each(|at| regular[at] = true);
    }
}

fn used(body: &[Vec<Item>]) -> Vec<usize> {
    let of_item = |item: &Item| match item {
        Item::Regex(_) => Vec::new(),
        Item::Rule(at) => vec![*at],
        Item::Group(inner) => used(inner),
        Item::Repeat(inner, ..) => used(&[vec![(**inner).clone()]]),
    };
    body.iter().flatten().flat_map(of_item).collect()
}

/// Writes rules and terminals down.
struct Lark {
    regular: Vec<bool>,
    terminals: String,
    count: usize,
}

impl Lark {
    fn rule_name(&self, at: usize) -> String {
        format!("{}{at}", if self.regular[at] { "R" } else { "r" })
    }

    fn is_regular(&self, item: &Item) -> bool {
        used(&[vec![item.clone()]]).iter().all(|at| self.regular[*at])
    }

    /// The body of a terminal.
    fn expression(&self, body: &[Vec<Item>]) -> String {
        let sequence = |items: &Vec<Item>| match items.is_empty() {
            true => "\"\"".to_owned(),
            false => items.iter().map(|item| self.part(item)).collect::<Vec<_>>().join(" "),
        };
        body.iter().map(sequence).collect::<Vec<_>>().join(" | ")
    }

    fn part(&self, item: &Item) -> String {
        match item {
            Item::Regex(expression) => format!("/{expression}/"),
            Item::Rule(at) => self.rule_name(*at),
            Item::Group(inner) => format!("({})", self.expression(inner)),
            Item::Repeat(inner, least, most) => format!("({}){}", self.part(inner), times(*least, *most)),
        }
    }

    /// The body of a rule: neighbours that are regular are one terminal.
    fn alternatives(&mut self, body: &[Vec<Item>]) -> String {
        let mut alternatives = Vec::new();
        for items in body {
            let (mut parts, mut run) = (Vec::new(), Vec::new());
            for item in items {
                if self.is_regular(item) {
                    run.push(item.clone());
                    continue;
                }
                parts.extend(self.terminal(std::mem::take(&mut run)));
                parts.push(match item {
                    Item::Group(inner) => format!("({})", self.alternatives(inner)),
                    Item::Repeat(inner, least, most) => {
                        let inner = self.alternatives(&[vec![(**inner).clone()]]);
                        format!("({inner}){}", times(*least, *most))
                    }
                    Item::Regex(_) | Item::Rule(_) => self.part(item),
                });
            }
            parts.extend(self.terminal(run));
            alternatives.push(if parts.is_empty() { "\"\"".to_owned() } else { parts.join(" ") });
        }
        alternatives.join(" | ")
    }

    /// A terminal of its own for some items.
    fn terminal(&mut self, items: Vec<Item>) -> Option<String> {
        if items.is_empty() {
            return None;
        }
        let name = format!("T{}", self.count);
        self.count += 1;
        let body = self.expression(&[items]);
        let _ = writeln!(self.terminals, "{name}: {body}");
        Some(name)
    }
}

fn times(least: usize, most: Option<usize>) -> String {
    match (least, most) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (least, Some(most)) => format!("{{{least},{most}}}"),
        (least, None) => format!("{{{least},}}"),
    }
}

/// Goes through the text.
struct Parser<'t> {
    text: &'t str,
    at: usize,
    names: BTreeMap<String, usize>,
    rules: Vec<Option<Vec<Vec<Item>>>>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn fail<T>(&self, expected: &str) -> Result<T, String> {
        let line = self.text[..self.at].lines().count().max(1);
        let found: String = self.rest().chars().take(20).collect();
        Err(format!("line {line}: expected {expected}, found {found:?}"))
    }

    /// Blanks, line ends and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            let comment =
                rest[blank..].starts_with('#').then(|| rest[blank..].find('\n').unwrap_or(rest.len() - blank));
            self.at += blank + comment.unwrap_or(0);
            if blank == 0 && comment.is_none() {
                return;
            }
        }
    }

    fn takes(&mut self, text: &str) -> bool {
        let is_here = self.rest().starts_with(text);
        self.at += if is_here { text.len() } else { 0 };
        is_here
    }

    fn name(&mut self) -> Option<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name: String = self.rest().chars().take_while(|c| is_part(*c)).collect();
        self.at += name.len();
        (!name.is_empty()).then_some(name)
    }

    /// Whether a rule begins here.
    fn is_rule(&self) -> bool {
        let mut ahead = Parser { text: self.text, at: self.at, names: BTreeMap::new(), rules: Vec::new() };
        ahead.name().is_some() && {
            ahead.space();
            ahead.rest().starts_with("::=")
        }
    }

    fn rule(&mut self, name: String) -> usize {
        let next = self.names.len();
        let at = *self.names.entry(name).or_insert(next);
        self.rules.resize(self.names.len(), None);
        at
    }

    fn rules(&mut self) -> Result<(), String> {
        self.space();
        while !self.rest().is_empty() {
            if !self.is_rule() {
                return self.fail("a rule, `name ::= ...`");
            }
            let name = self.name().unwrap_or_default();
            let at = self.rule(name.clone());
            self.space();
            self.takes("::=");
            let body = self.body()?;
            if self.rules[at].replace(body).is_some() {
                return Err(format!("the rule `{name}` is defined twice"));
            }
        }
        Ok(())
    }

    fn body(&mut self) -> Result<Vec<Vec<Item>>, String> {
        let mut alternatives = vec![Vec::new()];
        loop {
            self.space();
            let last = alternatives.len() - 1;
            if self.takes("|") {
                alternatives.push(Vec::new());
            } else if self.rest().is_empty() || self.rest().starts_with(')') || self.is_rule() {
                return Ok(alternatives);
            } else {
                let item = self.item()?;
                alternatives[last].push(item);
            }
        }
    }

    fn item(&mut self) -> Result<Item, String> {
        let item = if self.takes("\"") {
            self.literal()?
        } else if self.takes("[") {
            self.class()?
        } else if self.takes("(") {
            let inner = self.body()?;
            if !self.takes(")") {
                return self.fail("`)`");
            }
            Item::Group(inner)
        } else if self.takes(".") {
            Item::Regex("(?s:.)".to_owned())
        } else if let Some(name) = self.name() {
            Item::Rule(self.rule(name))
        } else {
            return self.fail("a text, a class, a rule or a group");
        };
        Ok(match self.count()? {
            Some((least, most)) => Item::Repeat(Box::new(item), least, most),
            None => item,
        })
    }

    fn count(&mut self) -> Result<Option<(usize, Option<usize>)>, String> {
        for (sign, count) in [("*", (0, None)), ("+", (1, None)), ("?", (0, Some(1)))] {
            if self.takes(sign) {
                return Ok(Some(count));
            }
        }
        if !self.takes("{") {
            return Ok(None);
        }
        let Some((inner, _)) = self.rest().split_once('}') else { return self.fail("`}`") };
        let read = |text: &str| text.trim().parse::<usize>().ok().filter(|times| *times <= MOST_TIMES);
        let found = match inner.split_once(',') {
            None => read(inner).map(|times| (times, Some(times))),
            Some((least, most)) if most.trim().is_empty() => read(least).map(|least| (least, None)),
            Some((least, most)) => {
                let least = if least.trim().is_empty() { Some(0) } else { read(least) };
                least.zip(read(most).map(Some))
            }
        };
        let length = inner.len() + 1;
        match found.filter(|(least, most)| most.is_none_or(|most| *least <= most)) {
            Some(count) => {
                self.at += length;
                Ok(Some(count))
            }
            None => self.fail(&format!("`{{n}}`, `{{n,}}` or `{{n,m}}` up to {MOST_TIMES}")),
        }
    }

    /// A character, or what an escape stands for.
    fn character(&mut self) -> Result<char, String> {
        let Some(first) = self.rest().chars().next() else { return self.fail("a character") };
        self.at += first.len_utf8();
        if first != '\\' {
            return Ok(first);
        }
        let Some(escape) = self.rest().chars().next() else { return self.fail("an escape") };
        let digits = match escape {
            'n' | 'r' | 't' | '"' | '[' | ']' | '\\' | '-' | '^' => {
                self.at += 1;
                return Ok(match escape {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return self.fail("one of \\n \\r \\t \\\\ \\\" \\[ \\] \\x \\u \\U"),
        };
        let number = self.rest().get(1..1 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match number.and_then(char::from_u32) {
            Some(character) => {
                self.at += 1 + digits;
                Ok(character)
            }
            None => self.fail(&format!("{digits} hexadecimal digits of a character")),
        }
    }

    fn literal(&mut self) -> Result<Item, String> {
        let mut expression = String::new();
        while !self.takes("\"") {
            expression += &escaped(self.character()?);
        }
        Ok(if expression.is_empty() { Item::Group(vec![Vec::new()]) } else { Item::Regex(expression) })
    }

    fn class(&mut self) -> Result<Item, String> {
        let mut expression = if self.takes("^") { "[^" } else { "[" }.to_owned();
        let empty = expression.len();
        while !self.takes("]") {
            let first = self.character()?;
            expression += &escaped(first);
            if self.rest().starts_with('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                let last = self.character()?;
                if last < first {
                    return self.fail("a range in ascending order");
                }
                let _ = write!(expression, "-{}", escaped(last));
            }
        }
        match expression.len() == empty {
            true => self.fail("a class with characters"),
            false => Ok(Item::Regex(expression + "]")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llguidance::api::TopLevelGrammar;
    use llguidance::toktrie::{ApproximateTokEnv, TokEnv};
    use llguidance::{Matcher, ParserFactory};

    /// Whether a text is one of a grammar, where each byte is a token.
    fn accepts(grammar: &str, text: &str) -> bool {
        let env: TokEnv = ApproximateTokEnv::single_byte_env();
        let mut factory = ParserFactory::new_simple(&env).unwrap();
        factory.quiet();
        let parser = factory.create_parser(TopLevelGrammar::from_lark(to_lark(grammar).unwrap()));
        let mut matcher = Matcher::new(parser);
        assert_eq!(matcher.get_error(), None, "{}", to_lark(grammar).unwrap());
        let ids: Vec<u32> = text.bytes().map(u32::from).collect();
        matcher.try_consume_tokens(&ids).unwrap() == ids.len() && matcher.is_accepting().unwrap()
    }

    #[test]
    fn regular_grammars_mean_what_they_say() {
        let moves = "# a game\nroot ::= (move \" \"){2,3} end\nmove ::= [a-h] [1-8] # a square\n  | \"O-O\" \"-O\"?\n\
                     end ::= [^\\n\\]a-z]+\n";
        for text in ["e4 e5 1", "O-O O-O-O e4 \u{e9}!", "a1 a1 a1 1-0"] {
            assert!(accepts(moves, text), "{text}");
        }
        for text in ["e4 1", "e9 e5 1", "e4 e5 x", "e4 e5 ]", "e4 e5", "e4 e5 e6 e7 1"] {
            assert!(!accepts(moves, text), "{text}");
        }
        // Nothing is taken further than it may go.
        assert!(accepts("root ::= [0-9]+ \"0\"", "1230") && !accepts("root ::= [0-9]+ \"0\"", "123"));
        assert!(accepts("root ::= \"\" | \"\\x41\\u00e9\\\"\" .", "A\u{e9}\"\n") && accepts("root ::= \"a\"*", ""));
    }

    #[test]
    fn recursive_grammars_are_read_as_well() {
        let json = r#"
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws

array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws

string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws

number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws

# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= | " " | "\n" [ \t]{0,20}
"#;
        for text in ["{}", "{\"a\": [1, -2.5e3, \"x\\n\\u00e9\", {\"b\":null}], \"c\": true}\n  ", "{\"\u{e9}\":\"\"}"]
        {
            assert!(accepts(json, text), "{text}");
        }
        for text in ["[]", "{\"a\" 1}", "{\"a\": 01}", "{\"a\": \"\n\"}", "{", "{}  "] {
            assert!(!accepts(json, text), "{text}");
        }
        assert!(accepts("root ::= \"(\" root? \")\"", "((()))") && !accepts("root ::= \"(\" root? \")\"", "(()"));
    }

    #[test]
    fn what_is_no_grammar_is_refused_with_its_place() {
        let refusal = |text: &str| to_lark(text).unwrap_err();
        assert_eq!(refusal("root = \"a\""), "line 1: expected a rule, `name ::= ...`, found \"root = \\\"a\\\"\"");
        assert_eq!(refusal("a ::= \"b\""), "there is no rule `root`");
        assert_eq!(refusal("root ::= a"), "the rule `a` is not defined");
        assert_eq!(refusal("root ::= \"a\"\nroot ::= \"b\""), "the rule `root` is defined twice");
        for text in [
            "root ::= (\"a\"",
            "root ::= \"a",
            "root ::= [z-a]",
            "root ::= []",
            "root ::= \"a\"{2,1}",
            "root ::= \"a\"{99999}",
            "root ::= \"\\q\"",
            "root ::= \"\\ud800\"",
            "root ::= *",
            "root ::= )",
        ] {
            assert!(refusal(text).starts_with("line 1: expected "), "{text}");
        }
    }
}
