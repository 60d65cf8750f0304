//! Forms as `llguidance` compiles them: one at a time, within limits of size, work and time, beside everything else.
//! What does not belong here: which tokens follow (`filter.rs`).

use super::expression::one_of;
use super::filter::{Begins, GrammarFilter};
use super::gbnf::to_lark;
use super::vocabulary::Words;
use crate::error::ApiError;
use crate::json::Json;
use crate::request::{SchemaPart, Structure, Structured};
use llguidance::api::{GrammarWithLexer, ParserLimits, TopLevelGrammar};
use llguidance::{Matcher, ParserFactory, regex_to_lark};
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use trine::model::Tokenizer;

/// The form that an answer is kept to, and where it begins.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// The form.
    pub form: Structured,
    /// Where it begins.
    pub begins: Begins,
}

/// Compiles forms for one vocabulary.
pub struct Grammars {
    tokenizer: Arc<Tokenizer>,
    factory: OnceLock<Option<(Arc<Words>, ParserFactory)>>,
    one: Arc<Semaphore>,
}

/// Longest text of a schema, in bytes.
const LONGEST_SCHEMA: usize = 256 << 10;

/// Longest text of an expression or of a grammar, in bytes.
const LONGEST_GRAMMAR: usize = 64 << 10;

/// Deepest nesting of brackets in an expression or a grammar.
const DEEPEST: usize = 100;

/// Compiling goes down a form by calls: a chain of rules as long as the longest text may have is within this stack.
const STACK: usize = 256 << 20;

/// The time for a form.
const TIME: Duration = Duration::from_secs(5);

/// JSON as models write it: at most one space, or one new line with what it is indented by. Any amount would let a
/// model go on with blanks for ever.
const WHITESPACE: &str = r"[ ]|\r?\n[ \t]{0,32}";

/// Longest part of a message of the compiler, in characters.
const SHOWN: usize = 400;

impl Grammars {
    /// For a vocabulary. What is needed of it is made when the first form is compiled.
    pub fn new(tokenizer: Arc<Tokenizer>) -> Grammars {
        Grammars { tokenizer, factory: OnceLock::new(), one: Arc::new(Semaphore::new(1)) }
    }

    /// The filter that keeps a text to a form.
    ///
    /// # Errors
    /// The form is none, is not supported, or takes too much to compile.
    pub async fn filter(self: &Arc<Self>, constraint: Constraint) -> Result<GrammarFilter, ApiError> {
        let param = constraint.form.param.clone();
        let stopped = |_| ApiError::internal("the server is being stopped");
        let permit = self.one.clone().acquire_owned().await.map_err(stopped)?;
        let grammars = self.clone();
        let work = move || {
            // It is held until the work ends, also where nobody waits for it any more.
            let _permit = permit;
            let thread = std::thread::Builder::new().name("grammar".to_owned()).stack_size(STACK);
            let param = constraint.form.param.clone();
            let thread = thread.spawn(move || grammars.compile(constraint));
            let thread = thread.map_err(|error| ApiError::internal(format!("no thread for a grammar: {error}")))?;
            thread.join().unwrap_or_else(|_| Err(wrong(&param, "it cannot be compiled")))
        };
        match timeout(TIME, spawn_blocking(work)).await {
            Ok(Ok(filter)) => filter,
            Ok(Err(_)) => Err(ApiError::internal("the server failed at this request")),
            Err(_) => Err(wrong(&param, &format!("it takes more than {} s to compile", TIME.as_secs()))),
        }
    }

    pub(super) fn compile(&self, Constraint { form: Structured { structure, param }, begins }: Constraint) -> Compiled {
        let refused = |error: String| wrong(&param, &error);
        let made = self.factory.get_or_init(|| self.make());
        let Some((words, factory)) = made else {
            let why = "no token of this vocabulary ends a text, so that a text of a form would not end";
            return Err(ApiError::unsupported(&param, why));
        };
        // Schemas of which there are several are compiled each by itself, so that an error names the one.
        if let Structure::Parts(_, parts) = &structure {
            for SchemaPart { param, schema: document, .. } in parts {
                let alone = schema(document).map(TopLevelGrammar::from_grammar);
                alone.and_then(|alone| matcher(factory, alone)).map_err(|error| wrong(param, &error))?;
            }
        }
        let matcher = grammar(structure).and_then(|grammar| matcher(factory, grammar)).map_err(refused)?;
        Ok(GrammarFilter::new(words.clone(), matcher, begins))
    }

    fn make(&self) -> Option<(Arc<Words>, ParserFactory)> {
        let words = Arc::new(Words::new(&self.tokenizer)?);
        let env: llguidance::toktrie::TokEnv = words.clone();
        let mut factory = ParserFactory::new_simple(&env).ok()?;
        *factory.limits_mut() = ParserLimits { verbose_errors: false, ..ParserLimits::default() };
        factory.quiet();
        Some((words, factory))
    }
}

/// Compiles a grammar. What no token can begin is refused here, and the first step is prepared.
fn matcher(factory: &ParserFactory, grammar: TopLevelGrammar) -> Result<Matcher, String> {
    let mut matcher = Matcher::new(factory.create_parser(grammar));
    matcher.compute_mask().map_err(|error| error.to_string())?;
    Ok(matcher)
}

type Compiled = Result<GrammarFilter, ApiError>;

impl fmt::Debug for Grammars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grammars").finish_non_exhaustive()
    }
}

/// The error of a form.
fn wrong(param: &str, why: &str) -> ApiError {
    let why = match why.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &why[..end]),
        None => why.to_owned(),
    };
    ApiError::bad("invalid_schema", format!("`{param}`: {why}")).at(param)
}

/// What the compiler is given.
fn grammar(structure: Structure) -> Result<TopLevelGrammar, String> {
    let parts = match structure {
        Structure::Object => vec![schema(&Json::Object(vec![("type".to_owned(), Json::from("object"))]))?],
        Structure::Schema(document) => vec![schema(&document)?],
        Structure::Regex(expression) => vec![regex(&expression)?],
        Structure::Choice(texts) => vec![regex(&one_of(texts.iter().map(String::as_str)))?],
        Structure::Lark(text) => vec![lark(text)?],
        Structure::Gbnf(text) => vec![lark(to_lark(checked(&text)?)?)?],
        Structure::Parts(text, schemas) => {
            let mut parts = vec![lark(text)?];
            for part in schemas {
                parts.push(GrammarWithLexer { name: Some(part.name), ..schema(&part.schema)? });
            }
            parts
        }
    };
    Ok(TopLevelGrammar { grammars: parts, max_tokens: None })
}

fn schema(document: &Json) -> Result<GrammarWithLexer, String> {
    let text = document.to_string();
    if text.len() > LONGEST_SCHEMA {
        return Err(format!("the schema has {} bytes: expected at most {LONGEST_SCHEMA}", text.len()));
    }
    let mut schema: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if schema == Value::Bool(true) {
        schema = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(entries) = &mut schema {
        // The compiler's own options, which a schema may have.
        let options = entries.entry("x-guidance").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Value::Object(options) = options {
            options.entry("whitespace_pattern").or_insert_with(|| Value::from(WHITESPACE));
        }
    }
    Ok(GrammarWithLexer::from_json_schema(schema))
}

fn lark(text: String) -> Result<GrammarWithLexer, String> {
    checked(&text)?;
    Ok(GrammarWithLexer::from_lark(text))
}

/// An expression that the whole text has to match: anchors at its ends say what holds anyway.
fn regex(expression: &str) -> Result<GrammarWithLexer, String> {
    checked(expression)?;
    let inner = expression.strip_prefix('^').unwrap_or(expression);
    let inner = inner.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(inner);
    if inner.is_empty() {
        return Err("the expression matches the empty text alone".to_owned());
    }
    Ok(GrammarWithLexer::from_lark(format!("start: /{}/", regex_to_lark(inner, ""))))
}

/// Refuses a text that is too long or nests too deep for what goes down it by calls.
fn checked(text: &str) -> Result<&str, String> {
    if text.len() > LONGEST_GRAMMAR {
        return Err(format!("the text has {} bytes: expected at most {LONGEST_GRAMMAR}", text.len()));
    }
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    match deepest > DEEPEST {
        true => Err(format!("brackets nest {deepest} deep: expected at most {DEEPEST}")),
        false => Ok(text),
    }
}
