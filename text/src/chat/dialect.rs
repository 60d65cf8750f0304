//! Templates in HF's dialect of Jinja as programs of minijinja: what only HF and Jinja2 have, and the places where
//! values are looked at. What is done to a value there is in `bounds.rs` and `python.rs`.
//!
//! Tags are exchanged in the source. The rest is done to the instructions that minijinja makes of it: calls of filters
//! go before or behind them, by names that no template can write. So there is no way to a list that is not counted,
//! whatever makes it, and no operator on strings but Python's.

use super::bounds::{FILTER, GLANCE, PLAIN, STORABLE, TEST, WEIGH};
use super::compare;
use super::macros::{self, CALL};
use super::python::{JOINED, REMAINDER, SUM};
use minijinja::machinery::{CodeGenerator, Instruction, Instructions, Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Error, ErrorKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a template is compiled to: its instructions, and those of its blocks.
pub(super) type Program<'s> = (Instructions<'s>, BTreeMap<&'s str, Instructions<'s>>);

/// A template that minijinja can read.
#[derive(Debug)]
pub(super) struct Source {
    text: String,
    /// Macros that take more arguments than they declare.
    open_macros: BTreeSet<String>,
}

/// The name of a template in messages.
const NAME: &str = "chat";

/// Filters and tests that take as long for a large value as for a small one.
const QUICK: [&str; 26] = [
    "length",
    "count",
    "first",
    "last",
    "default",
    "d",
    "attr",
    "safe",
    "abs",
    "round",
    "defined",
    "undefined",
    "none",
    "string",
    "mapping",
    "sequence",
    "iterable",
    "number",
    "boolean",
    "integer",
    "float",
    "true",
    "false",
    "callable",
    "odd",
    "even",
];

impl Source {
    /// The source with `{% generation %}`, which marks for training what the assistant says, as a block of its own, and
    /// with all arguments of macros declared.
    pub(super) fn new(source: &str, syntax: &SyntaxConfig) -> Result<Source, Error> {
        let tokens = tokenize(source, false, syntax.clone()).collect::<Result<Vec<_>, _>>()?;
        macros::check_defaults(&tokens)?;
        let mut changes = macros::declarations(&tokens);
        let open_macros = changes.iter().map(|change| change.name.to_owned()).collect();
        for pair in tokens.windows(2) {
            let [(Token::BlockStart, _), (Token::Ident(name), span)] = pair else { continue };
            let text = match *name {
                "generation" => "with",
                "endgeneration" => "endwith",
                _ => continue,
            };
            let range = span.start_offset as usize..span.end_offset as usize;
            changes.push(macros::Change { name, range, text: text.to_owned() });
        }
        changes.extend(compare::of_constants(&tokens));
        changes.sort_by_key(|change| change.range.start);
        let (mut text, mut copied) = (String::with_capacity(source.len()), 0);
        for change in changes {
            text.push_str(&source[copied..change.range.start]);
            text.push_str(&change.text);
            copied = change.range.end;
        }
        text.push_str(&source[copied..]);
        Ok(Source { text, open_macros })
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The program.
    pub(super) fn compile(&self, syntax: &SyntaxConfig) -> Result<Program<'_>, Error> {
        let tree = parse(&self.text, NAME, syntax.clone())?;
        let mut generator = CodeGenerator::new(NAME, &self.text);
        generator.compile_stmt(&tree);
        let (main, blocks) = generator.finish();
        let blocks = blocks.into_iter().map(|(name, block)| Ok((name, self.watched(&block)?)));
        Ok((self.watched(&main)?, blocks.collect::<Result<_, Error>>()?))
    }

    /// The same instructions with values looked at.
    fn watched<'s>(&self, given: &Instructions<'s>) -> Result<Instructions<'s>, Error> {
        // Where each instruction begins, with what goes before it.
        let mut places = Vec::new();
        let mut steps = Vec::new();
        for (at, instruction) in (0..).map_while(|at| Some((at, given.get(at)?))) {
            places.push(steps.len() as u32);
            let mut group = Vec::new();
            self.watch(instruction, &mut group)?;
            steps.extend(group.into_iter().map(|step| (at, step)));
        }
        places.push(steps.len() as u32);
        let mut watched = Instructions::new(given.name(), given.source());
        for (at, mut step) in steps {
            if let Some(target) = target(&mut step) {
                *target = places[*target as usize];
            }
            match (given.get_span(at), given.get_line(at)) {
                (Some(span), _) => watched.add_with_span(step, span),
                (None, line) => watched.add_with_line(step, line.and_then(|line| line.try_into().ok()).unwrap_or(0)),
            };
        }
        Ok(watched)
    }

    /// Appends an instruction with what goes before and behind it.
    fn watch<'s>(&self, instruction: &Instruction<'s>, steps: &mut Vec<Instruction<'s>>) -> Result<(), Error> {
        use Instruction::*;
        match instruction {
            BuildList(_) | BuildTuple(_) | BuildMap(_) | Mul | CallMethod(..) | CallObject(_) => {
                steps.extend([instruction.clone(), filter(PLAIN, 1)]);
            }
            CallFunction(name, Some(count)) if self.open_macros.contains(*name) => {
                let counted = add(*count, 1)?;
                steps.extend([LoadConst(Value::from(*name)), CallFunction(CALL, Some(counted)), filter(PLAIN, 1)]);
            }
            CallFunction(..) => steps.extend([instruction.clone(), filter(PLAIN, 1)]),
            Eq | Ne | Gt | Gte | Lt | Lte | In | CompareAndPreserve(_) => match compare::check_of(instruction) {
                Some(check) => steps.extend([filter(check, 2), UnpackList(2), instruction.clone()]),
                None => steps.extend([filter(WEIGH, 1), Swap, filter(WEIGH, 1), Swap, instruction.clone()]),
            },
            Add => steps.extend([filter(SUM, 2), filter(PLAIN, 1)]),
            StringConcat => steps.push(filter(JOINED, 2)),
            Rem => steps.push(filter(REMAINDER, 2)),
            GetItem => steps.extend([filter(WEIGH, 1), Swap, filter(GLANCE, 1), Swap, GetItem]),
            Slice => steps.extend([Slice, filter(PLAIN, 1)]),
            SetAttr(name) => {
                steps.extend([Swap, LoadConst(Value::from(*name)), filter(STORABLE, 2), Swap, instruction.clone()]);
            }
            ApplyFilter(name, ..) | PerformTest(name, ..) if QUICK.contains(name) => steps.push(instruction.clone()),
            ApplyFilter(name, Some(count), _) => {
                steps.extend([LoadConst(Value::from(*name)), filter(FILTER, add(*count, 1)?), filter(PLAIN, 1)]);
            }
            PerformTest(name, Some(count), _) => {
                steps.extend([LoadConst(Value::from(*name)), PerformTest(TEST, Some(add(*count, 1)?), u8::MAX)]);
            }
            ApplyFilter(name, None, _) | PerformTest(name, None, _) => {
                let message = format!("`{name}` is given a list of arguments with `*`: expected them one by one");
                return Err(Error::new(ErrorKind::SyntaxError, message));
            }
            _ => steps.push(instruction.clone()),
        }
        Ok(())
    }
}

fn add(count: u16, more: u16) -> Result<u16, Error> {
    count.checked_add(more).ok_or_else(|| Error::from(ErrorKind::TooManyArguments))
}

/// A filter over so many values on the stack, looked up by its name each time.
fn filter<'s>(name: &'static str, count: u16) -> Instruction<'s> {
    Instruction::ApplyFilter(name, Some(count), u8::MAX)
}

/// The instruction that another one names.
fn target<'i>(instruction: &'i mut Instruction<'_>) -> Option<&'i mut u32> {
    use Instruction::*;
    match instruction {
        Iterate(target)
        | Jump(target)
        | JumpIfFalse(target)
        | JumpIfFalseOrPop(target)
        | JumpIfTrueOrPop(target)
        | BuildMacro(_, target, _) => Some(target),
        _ => None,
    }
}
