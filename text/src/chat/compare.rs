//! Comparisons as Python makes them: values of kinds that have no order are refused, and so is what is no text within a
//! text. Minijinja orders all values and looks for what a value is written as.
//!
//! What belongs here: the checks before `<`, `>`, `<=`, `>=` and `in`, as operators and as tests. What does not: where
//! they are made (`dialect.rs`); equality, which all values have; the order of `sort`, which is minijinja's.

use super::bounds::{refused, weigh};
use super::macros::Change;
use minijinja::machinery::{CodeGenerator, Instruction, Span, Token, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, State, tests};
use std::mem::discriminant;
use std::sync::LazyLock;

/// Names of the filters that go before the operators; each gives back its two values for them, the second one first.
const ORDERED: &str = "%ordered";
const CONTAINED: &str = "%contained";

/// The operators of chains, with the filter that goes before each: what they are called is not public in minijinja, so
/// they are those of chains that have them.
static CHAINED: LazyLock<Vec<(Instruction<'static>, &'static str)>> = LazyLock::new(|| {
    let chains = [
        ("{{ a < b < c }}", ORDERED),
        ("{{ a <= b < c }}", ORDERED),
        ("{{ a > b < c }}", ORDERED),
        ("{{ a >= b < c }}", ORDERED),
        ("{{ a in b < c }}", CONTAINED),
        ("{{ a not in b < c }}", CONTAINED),
    ];
    let chained = |(chain, check)| {
        let tree = parse(chain, "", SyntaxConfig::default()).ok()?;
        let mut generator = CodeGenerator::new("", chain);
        generator.compile_stmt(&tree);
        let (all, _) = generator.finish();
        let mut all = (0..).map_while(|at| all.get(at));
        Some((all.find(|step| matches!(step, Instruction::CompareAndPreserve(_)))?.clone(), check))
    };
    chains.into_iter().filter_map(chained).collect()
});

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter(ORDERED, |state: &State<'_, '_>, left: Value, right: Value| {
        weigh(state, &left)?;
        weigh(state, &right)?;
        check_order(&left, &right)?;
        Ok(Value::from(vec![right, left]))
    });
    environment.add_filter(CONTAINED, |state: &State<'_, '_>, value: Value, container: Value| {
        weigh(state, &value)?;
        weigh(state, &container)?;
        check_content(&value, &container)?;
        Ok(Value::from(vec![container, value]))
    });
    let orders: [(&[&'static str], fn(&Value, &Value) -> bool); 4] = [
        (&["lt", "lessthan", "<"], |left, right| left < right),
        (&["le", "<="], |left, right| left <= right),
        (&["gt", "greaterthan", ">"], |left, right| left > right),
        (&["ge", ">="], |left, right| left >= right),
    ];
    for (names, holds) in orders {
        for name in names {
            environment.add_test(*name, move |left: Value, right: Value| {
                check_order(&left, &right).map(|()| holds(&left, &right))
            });
        }
    }
    environment.add_test("in", |state: &State<'_, '_>, value: Value, container: Value| {
        check_content(&value, &container)?;
        tests::is_in(state, &value, &container)
    });
}

/// The filter that goes before an operator; none does before those of equality.
pub(super) fn check_of(instruction: &Instruction<'_>) -> Option<&'static str> {
    use Instruction::{CompareAndPreserve, Gt, Gte, In, Lt, Lte};
    let is_same = |known: &Instruction<'_>| match (known, instruction) {
        (CompareAndPreserve(known), CompareAndPreserve(found)) => discriminant(known) == discriminant(found),
        _ => false,
    };
    match instruction {
        Lt | Lte | Gt | Gte => Some(ORDERED),
        In => Some(CONTAINED),
        _ => CHAINED.iter().find(|(known, _)| is_same(known)).map(|(_, check)| *check),
    }
}

/// Refuses two values of which none comes first: numbers have an order, texts, and lists and tuples whose first items
/// that differ have one.
fn check_order(left: &Value, right: &Value) -> Result<(), Error> {
    use ValueKind::{Bool, Number, Seq, String};
    match (left.kind(), right.kind()) {
        (String, String) | (Number | Bool, Number | Bool) => Ok(()),
        (Seq, Seq) if left.is_tuple() == right.is_tuple() => {
            let mut pairs = left.try_iter()?.zip(right.try_iter()?);
            pairs.find(|(left, right)| left != right).map_or(Ok(()), |(left, right)| check_order(&left, &right))
        }
        (left, right) => {
            Err(refused(format!("neither of {left} and {right} comes first: expected two numbers, texts or lists")))
        }
    }
}

/// Refuses to look for what is no text in a text.
fn check_content(value: &Value, container: &Value) -> Result<(), Error> {
    match container.as_str().is_some() && value.as_str().is_none() {
        true => Err(refused(format!("looked for {} in a text: expected a text", value.kind()))),
        false => Ok(()),
    }
}

/// What keeps minijinja from comparing constants when it reads them, where it does not ask: the value on the right of
/// such an operator becomes the first of a list.
pub(super) fn of_constants<'s>(tokens: &[(Token<'s>, Span)]) -> Vec<Change<'s>> {
    let mut changes = Vec::new();
    for (at, three) in tokens.windows(3).enumerate() {
        let [(before, _), (operator, _), _] = three else { continue };
        let compares = matches!(operator, Token::Lt | Token::Lte | Token::Gt | Token::Gte | Token::Ident("in"));
        let may_be_constant =
            is_constant(before) || matches!(before, Token::ParenClose | Token::BracketClose | Token::BraceClose);
        let Some((first, last)) = constant(&tokens[at + 2..]).filter(|_| compares && may_be_constant) else { continue };
        for (place, text) in [(first.start_offset, "["), (last.end_offset, "][0]")] {
            changes.push(Change { name: "a comparison", range: place as usize..place as usize, text: text.to_owned() });
        }
    }
    changes
}

fn is_constant(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::Int(_)
            | Token::Int128(_)
            | Token::Float(_)
            | Token::Str(_)
            | Token::String(_)
            | Token::Ident("true" | "True" | "false" | "False" | "none" | "None")
    )
}

/// The first and the last token of the value that begins here behind its signs, if that may be a constant.
fn constant(tokens: &[(Token<'_>, Span)]) -> Option<(Span, Span)> {
    let signs = tokens.iter().take_while(|(token, _)| matches!(token, Token::Minus)).count();
    let (first, begin) = tokens.get(signs)?;
    let rest = &tokens[signs..];
    let count = match first {
        // Texts side by side are one.
        Token::Str(_) | Token::String(_) => {
            rest.iter().take_while(|(token, _)| matches!(token, Token::Str(_) | Token::String(_))).count()
        }
        Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
            let mut depth = 0;
            let closes = |(token, _): &(Token<'_>, Span)| {
                match token {
                    Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
                    Token::ParenClose | Token::BracketClose | Token::BraceClose => depth -= 1,
                    _ => {}
                }
                depth == 0
            };
            rest.iter().position(closes)? + 1
        }
        token if is_constant(token) => 1,
        _ => return None,
    };
    Some((*begin, rest[count - 1].1))
}
