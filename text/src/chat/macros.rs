//! Macros that take more arguments than they declare: in Jinja2 one that reads `varargs` or `kwargs` does. Other calls
//! are minijinja's.

use super::bounds::refused;
use minijinja::machinery::{Span, Token};
use minijinja::value::{Kwargs, Rest, Tuple, Value, ValueOrKwargs};
use minijinja::{Environment, Error, State};
use std::ops::Range;

/// The name of the function that calls such a macro, which is no name in a template.
pub(super) const CALL: &str = "%call";

const MORE: &str = "varargs";
const NAMED: &str = "kwargs";

/// A stretch of the source that becomes another one.
pub(super) struct Change<'s> {
    /// What is changed: a tag, a macro or a comparison.
    pub(super) name: &'s str,
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_function(CALL, call);
}

/// What declares the arguments of macros that ask for more than they declare.
pub(super) fn declarations<'s>(tokens: &[(Token<'s>, Span)]) -> Vec<Change<'s>> {
    let mut changes = Vec::new();
    for (at, three) in tokens.windows(3).enumerate() {
        let [(Token::BlockStart, _), (Token::Ident("macro"), _), (Token::Ident(name), _)] = three else { continue };
        let rest = &tokens[at + 3..];
        let end = rest.iter().position(|(token, _)| matches!(token, Token::Ident("endmacro"))).unwrap_or(rest.len());
        let Some(head) = rest.iter().position(|(token, _)| matches!(token, Token::BlockEnd)) else { continue };
        let asks = |(token, _): &(Token<'_>, Span)| matches!(token, Token::Ident(MORE | NAMED));
        let declared = head.min(end);
        if rest[..declared].iter().any(asks) || !rest[declared..end].iter().any(asks) {
            continue;
        }
        let Some([(before, _), (Token::ParenClose, close)]) = rest[..declared].last_chunk() else { continue };
        let comma = if matches!(before, Token::ParenOpen | Token::Comma) { "" } else { ", " };
        let place = close.start_offset as usize;
        changes.push(Change { name, range: place..place, text: format!("{comma}{MORE}=(), {NAMED}={{}}") });
    }
    changes
}

/// Refuses a default that names another argument, which minijinja does not find there.
pub(super) fn check_defaults(tokens: &[(Token<'_>, Span)]) -> Result<(), Error> {
    for (at, three) in tokens.windows(3).enumerate() {
        let [(Token::BlockStart, _), (Token::Ident("macro"), _), (Token::Ident(name), _)] = three else { continue };
        let head = tokens[at + 3..].iter().take_while(|(token, _)| !matches!(token, Token::BlockEnd));
        let head: Vec<_> = head.map(|(token, _)| token).collect();
        let (mut depth, mut declared, mut of, mut before) = (0, Vec::new(), None, None::<&Token<'_>>);
        for token in head {
            match token {
                Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
                Token::ParenClose | Token::BracketClose | Token::BraceClose => depth -= 1,
                Token::Comma if depth == 1 => of = None,
                Token::Assign if depth == 1 => of = declared.last().copied(),
                Token::Ident(argument) if depth == 1 && of.is_none() => declared.push(argument),
                Token::Ident(other) if !matches!(before, Some(Token::Dot)) && declared.contains(&other) => {
                    let argument = of.copied().unwrap_or_default();
                    return Err(refused(format!(
                        "macro `{name}`: the default of `{argument}` names the argument `{other}`, expected none"
                    )));
                }
                _ => {}
            }
            before = Some(token);
        }
    }
    Ok(())
}

/// Calls a macro by its name, the last argument, with what it does not declare gathered.
fn call(state: &mut State<'_, '_>, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let given = given.into_values();
    let (name, given) = given.split_last().ok_or_else(|| refused("a macro without a name"))?;
    let function = name.as_str().and_then(|name| state.lookup(name));
    let function = function.ok_or_else(|| refused(format!("{name} is undefined")))?;
    let arguments = function.get_attr("arguments")?;
    let declared: Vec<String> = arguments.try_iter()?.map(|name| name.to_string()).collect();
    let Some((declared, [MORE, NAMED])) =
        declared.split_last_chunk().map(|(names, last)| (names, last.each_ref().map(String::as_str)))
    else {
        return function.call(state, given);
    };
    let (places, named) = match given.split_last() {
        Some((last, places)) if last.is_kwargs() => (places, Some(last)),
        _ => (given, None),
    };
    let (own, more) = places.split_at(places.len().min(declared.len()));
    let mut passed: Vec<(String, Value)> = vec![(MORE.to_owned(), Value::from(Tuple::from(more.to_vec())))];
    let mut other: Vec<(String, Value)> = Vec::new();
    for name in named.map(Value::try_iter).transpose()?.into_iter().flatten() {
        let value = named.map_or(Ok(Value::UNDEFINED), |named| named.get_item(&name))?;
        let name = name.to_string();
        let known = name == "caller" || declared.contains(&name);
        if known { passed.push((name, value)) } else { other.push((name, value)) }
    }
    passed.push((NAMED.to_owned(), Value::from_pairs(other)));
    let mut all = own.to_vec();
    all.push(Value::from(Kwargs::from_iter(passed)));
    function.call(state, &all)
}
