//! Chat templates: the messages of a conversation as the text that a model was trained on. The template is a Jinja
//! program in the file (`tokenizer.chat_template`), run as HF transformers' `apply_chat_template` runs it. Encoding the
//! text is the tokenizer's. The engine is minijinja; the rooms behind this file are
//!
//! * `dialect.rs`: the template as a program of minijinja, in HF's dialect and with its values looked at;
//! * `bounds.rs`: what a value may cost, and that none holds itself;
//! * `macros.rs`: macros with arguments that they do not declare;
//! * `compare.rs`: which values have an order, and which are found in others;
//! * `environment.rs`, `filters.rs`, `python.rs`, `percent.rs`, `json.rs`, `methods.rs`: names that templates find, as
//!   Python has them;
//! * `quoted.rs`: variables whose texts are no control tokens;
//! * `wrap.rs`: lines of a given width;
//! * `error.rs`: what can go wrong.

mod bounds;
mod compare;
mod dialect;
mod environment;
mod error;
mod filters;
mod json;
mod macros;
mod methods;
mod percent;
#[cfg(test)]
mod probes;
mod python;
mod quoted;
#[cfg(test)]
mod tests;
mod wrap;

pub use error::ChatError;

use dialect::Source;
use minijinja::machinery::{eval, make_string_output};
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use trine_loader::Gguf;

use crate::tokenizer::{EncodeOptions, Tokenizer};

/// The key of the template.
const KEY: &str = "tokenizer.chat_template";

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant` in most templates.
    pub role: String,
    /// What they say.
    pub content: String,
}

impl Message {
    /// A message of a role.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Message {
        Message { role: role.into(), content: content.into() }
    }
}

/// The longest template that is read, in bytes; the longest known has 20,000.
const MAX_TEMPLATE: usize = 1 << 16;

/// Stack of the thread that runs a template, in bytes: for what the longest run of calls needs, and for each byte of
/// the template, as the parser descends once for each operator. It is address space, not memory, until it is used.
const STACK: usize = 8 << 20;
const STACK_FOR_BYTE: usize = 8 << 10;

/// A model's way to write conversations.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    source: Source,
    text: String,
    /// Tokens by the names under which the template finds their texts: `bos_token` and the like.
    tokens: BTreeMap<String, String>,
    /// Switches by the names under which the template finds them: `enable_thinking` and the like.
    switches: BTreeMap<String, bool>,
}

impl ChatTemplate {
    /// The key of a GGUF file that holds the template.
    pub const KEY: &str = KEY;

    /// The template of a file.
    ///
    /// # Errors
    /// [`ChatError::Missing`] where the file has none, [`ChatError::InFile`] where it is not valid.
    pub fn from_gguf(gguf: &Gguf, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        let metadata = gguf.metadata();
        let named = [
            ("pad_token", metadata.opt_u32("tokenizer.ggml.padding_token_id")?),
            ("unk_token", metadata.opt_u32("tokenizer.ggml.unknown_token_id")?),
        ];
        let text = |(name, id): (&str, Option<u32>)| Some((name.to_owned(), tokenizer.token(id?)?.to_owned()));
        let tokens = named.into_iter().filter_map(text);
        ChatTemplate::in_file(gguf.label(), metadata.opt_str(KEY)?, tokenizer, tokens)
    }

    /// The template that was found in `file`, with BOS and EOS of its tokenizer and further tokens by their names.
    pub(crate) fn in_file(
        file: &str,
        source: Option<&str>,
        tokenizer: &Tokenizer,
        tokens: impl IntoIterator<Item = (String, String)>,
    ) -> Result<ChatTemplate, ChatError> {
        let source = source.ok_or_else(|| ChatError::Missing { file: file.to_owned() })?;
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.token(id)).unwrap_or_default();
        ChatTemplate::new(source, text(tokenizer.bos()), text(tokenizer.eos()))
            .map(|template| template.with_tokens(tokens))
            .map_err(|error| ChatError::InFile { file: file.to_owned(), error: Box::new(error) })
    }

    /// A template from its source, and the texts that it sees as `bos_token` and `eos_token`.
    ///
    /// # Errors
    /// [`ChatError::Syntax`] where the source is not valid.
    pub fn new(source: &str, bos_token: &str, eos_token: &str) -> Result<ChatTemplate, ChatError> {
        let fail = |message: String| ChatError::Syntax { message };
        if source.len() > MAX_TEMPLATE {
            return Err(fail(format!("it has {} bytes, more than {MAX_TEMPLATE}", source.len())));
        }
        let environment = environment::of_hf().map_err(|error| fail(error.to_string()))?;
        let text = source.to_owned();
        let check = || {
            let source = Source::new(source, environment.syntax())?;
            source.compile(environment.syntax())?;
            Ok(source)
        };
        let checked: Result<Source, Error> = with_stack(source.len(), check).map_err(|error| fail(no_stack(&error)))?;
        let source = checked.map_err(|error| fail(error.to_string()))?;
        let tokens =
            [("bos_token", bos_token), ("eos_token", eos_token)].map(|(name, text)| (name.into(), text.into()));
        Ok(ChatTemplate { environment, source, text, tokens: tokens.into(), switches: BTreeMap::new() })
    }

    /// The template as the file has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with further tokens under the names by which it finds them: `pad_token`, `unk_token` and the like.
    #[must_use]
    pub fn with_tokens(mut self, tokens: impl IntoIterator<Item = (String, String)>) -> ChatTemplate {
        for (name, text) in tokens {
            self.tokens.entry(name).or_insert(text);
        }
        self
    }

    /// The same with a switch that templates may ask for: `enable_thinking`, whether an answer begins with a thought.
    /// What [`render_with`](ChatTemplate::render_with) is given under the same name goes before it.
    #[must_use]
    pub fn with_switch(mut self, name: &str, on: bool) -> ChatTemplate {
        self.switches.insert(name.to_owned(), on);
        self
    }

    /// The text of a conversation; with `add_generation_prompt` it ends where the assistant's answer begins.
    ///
    /// Most templates write the BOS token themselves, which `Tokenizer::encode` does not repeat.
    ///
    /// # Errors
    /// [`ChatError::Render`] where the template refuses the conversation or fails.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, ChatError> {
        self.render_with(&of_messages(messages, add_generation_prompt))
    }

    /// The tokens of a conversation's text. What stands in a message is text, also where it looks like a control token,
    /// so nobody who writes a message speaks for the system or ends a turn.
    ///
    /// While the template runs, each character of such a text in a message or its role has a mark before it, a code
    /// that stands for no character. A template that counts, compares, searches or removes characters within a message
    /// sees the marks, and one that takes marks away, or puts a text together from single characters, undoes this.
    ///
    /// # Errors
    /// [`ChatError::Render`] as of [`ChatTemplate::render`], [`ChatError::Tokenizer`] where the text has no tokens.
    pub fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<Vec<u32>, ChatError> {
        self.encode_with(tokenizer, &of_messages(messages, add_generation_prompt), None)
    }

    /// The tokens of a conversation's text, with all that [`render_with`](ChatTemplate::render_with) is given. All
    /// texts among the variables are text, as the messages of [`encode`](ChatTemplate::encode) are. Where `last` is
    /// given, the tokens are those up to the end of its last occurrence: that of a message that is to be continued.
    ///
    /// # Errors
    /// As for [`ChatTemplate::encode`]; [`ChatError::Render`] also where the text has no `last`.
    pub fn encode_with(
        &self,
        tokenizer: &Tokenizer,
        variables: &impl Serialize,
        last: Option<&str>,
    ) -> Result<Vec<u32>, ChatError> {
        let fail = |message: &str| ChatError::Render { message: message.to_owned() };
        let given = Value::from(Serde(variables));
        let mark = quoted::free_mark(&given).ok_or_else(|| fail("its messages use all of U+FDD0 to U+FDEF"))?;
        let quote = |text: &str| tokenizer.quote(text, mark);
        let mut text = self.render_value(&quoted::with_texts(&given, &quote))?;
        if let Some(last) = last {
            let last = quote(last.trim());
            let at = text.rfind(&last).ok_or_else(|| fail("it does not have the message that is to be continued"))?;
            text.truncate(at + last.len());
        }
        Ok(tokenizer.encode_quoted(&text, mark, EncodeOptions::PROMPT)?)
    }

    /// The text of a conversation with all that `apply_chat_template` passes on: a map of `messages` with whatever
    /// their fields are, `tools`, `documents`, `add_generation_prompt`, and what a template has names of its own for.
    ///
    /// # Errors
    /// [`ChatError::Render`] where the template refuses the conversation or fails.
    pub fn render_with(&self, variables: &impl Serialize) -> Result<String, ChatError> {
        self.render_value(&Value::from(Serde(variables)))
    }

    /// That the template stays within the bounds of templates in the least conversation, which is one message of a
    /// user. It may refuse this conversation, and ask for what is not in it.
    ///
    /// # Errors
    /// [`ChatError::Render`] where it takes more steps or bytes than a template may, or makes values that none may.
    pub fn check(&self) -> Result<(), ChatError> {
        let variables = of_messages(&[Message::new("user", "a")], true);
        match self.rendered(&Value::from(Serde(&variables)))? {
            Err(error) if bounds::is_beyond(&error) => Err(ChatError::Render { message: error.to_string() }),
            _ => Ok(()),
        }
    }

    fn render_value(&self, given: &Value) -> Result<String, ChatError> {
        self.rendered(given)?.map_err(|error| ChatError::Render { message: error.to_string() })
    }

    /// What the template makes of its variables, or the engine says of them.
    fn rendered(&self, given: &Value) -> Result<Result<String, Error>, ChatError> {
        let fail = |message: String| ChatError::Render { message };
        let mut context: BTreeMap<String, Value> =
            self.tokens.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect();
        context.extend(["tools", "documents"].map(|name| (name.to_owned(), Value::from(()))));
        context.extend(self.switches.iter().map(|(name, on)| (name.clone(), Value::from(*on))));
        for name in given.try_iter().map_err(|error| fail(error.to_string()))? {
            let value = given.get_item(&name).map_err(|error| fail(error.to_string()))?;
            context.insert(name.to_string(), value);
        }
        let context = Value::from_pairs(context);
        with_stack(self.source.len(), || self.run(context)).map_err(|error| fail(no_stack(&error)))
    }

    /// Compiles the template again, which takes less than running it and keeps nothing that borrows the source.
    fn run(&self, context: Value) -> Result<String, Error> {
        let (instructions, blocks) = self.source.compile(self.environment.syntax())?;
        let mut text = String::new();
        let mut output = make_string_output(&mut text);
        eval(&self.environment, &instructions, context, &blocks, &mut output, AutoEscape::None)?;
        Ok(text)
    }
}

/// The variables of a conversation.
fn of_messages(messages: &[Message], add_generation_prompt: bool) -> BTreeMap<&'static str, Value> {
    let messages = Value::from(Serde(messages));
    BTreeMap::from([("messages", messages), ("add_generation_prompt", Value::from(add_generation_prompt))])
}

/// Runs `work` where a template of so many bytes cannot overflow the stack, however deep it nests.
///
/// # Errors
/// What the system says where it gives no thread with such a stack.
fn with_stack<T: Send>(bytes: usize, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let stack = STACK + bytes * STACK_FOR_BYTE;
        let thread = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn no_stack(error: &io::Error) -> String {
    format!("the system gives no thread with a stack for it: {error}")
}
