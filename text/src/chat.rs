//! Chat templates: the messages of a conversation as the text that a model was trained on. The template is a Jinja
//! program in the file (`tokenizer.chat_template`), run as HF transformers' `apply_chat_template` runs it. Encoding the
//! text is the tokenizer's: with special tokens parsed.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};
use std::io;
use trine_loader::json::JsonError;
use trine_loader::{Gguf, GgufError};

use crate::tokenizer::Tokenizer;

/// The key of the template.
const KEY: &str = "tokenizer.chat_template";

/// Steps that a template may take; a conversation of a hundred messages takes about ten thousand.
const FUEL: u64 = 2_000_000;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Why a conversation cannot be written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The metadata holds a template that is no text.
    #[error(transparent)]
    Metadata(#[from] GgufError),
    /// A file of a directory cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The file has no template.
    #[error(
        "{file}: the file has no {KEY}, so it is unknown how its model marks who speaks: \
         continue a text instead (`trine run`), or take a file of a chat model"
    )]
    Missing {
        /// The label of the file.
        file: String,
    },
    /// What is wrong with the template of a file.
    #[error("{file}: {error}")]
    InFile {
        /// The file.
        file: String,
        /// What is wrong.
        error: Box<ChatError>,
    },
    /// The template is no valid Jinja.
    #[error("{KEY} is not a valid template: {message}")]
    Syntax {
        /// What the engine says, with the line.
        message: String,
    },
    /// The template failed, or refuses the conversation (a role that it does not know, roles out of turn).
    #[error("{KEY} cannot write this conversation: {message}")]
    Render {
        /// What the template or the engine says, with the line.
        message: String,
    },
}

/// The longest template that is read, in bytes; the longest known has 20,000.
const MAX_TEMPLATE: usize = 1 << 16;

/// Stack of the thread that reads templates, in bytes: 8 KiB for each byte of the longest one. It is address space, not
/// memory, until it is used.
const STACK: usize = MAX_TEMPLATE << 13;

/// A model's way to write conversations.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

impl ChatTemplate {
    /// The key of a GGUF file that holds the template.
    pub const KEY: &str = KEY;

    /// The template of a file.
    ///
    /// # Errors
    /// [`ChatError::Missing`] where the file has none, [`ChatError::InFile`] where it is not valid.
    pub fn from_gguf(gguf: &Gguf, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        ChatTemplate::in_file(gguf.label(), gguf.metadata().opt_str(KEY)?, tokenizer)
    }

    /// The template that was found in `file`, with the tokens of its tokenizer.
    pub(crate) fn in_file(file: &str, source: Option<&str>, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        let source = source.ok_or_else(|| ChatError::Missing { file: file.to_owned() })?;
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.token(id)).unwrap_or_default();
        ChatTemplate::new(source, text(tokenizer.bos()), text(tokenizer.eos()))
            .map_err(|error| ChatError::InFile { file: file.to_owned(), error: Box::new(error) })
    }

    /// A template from its source, and the texts that it sees as `bos_token` and `eos_token`.
    ///
    /// # Errors
    /// [`ChatError::Syntax`] where the source is not valid.
    pub fn new(source: &str, bos_token: &str, eos_token: &str) -> Result<ChatTemplate, ChatError> {
        if source.len() > MAX_TEMPLATE {
            let message = format!("it has {} bytes, more than {MAX_TEMPLATE}", source.len());
            return Err(ChatError::Syntax { message });
        }
        let no_thread = |error: io::Error| ChatError::Syntax { message: no_stack(&error) };
        let environment = with_deep_stack(|| Self::compile(source)).map_err(no_thread)??;
        Ok(ChatTemplate { environment, bos_token: bos_token.to_owned(), eos_token: eos_token.to_owned() })
    }

    fn compile(source: &str) -> Result<Environment<'static>, ChatError> {
        let mut environment = Environment::new();
        let syntax = |error: Error| ChatError::Syntax { message: error.to_string() };
        let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(syntax)?;
        environment.set_syntax(blocks);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        // In Jinja2 `none`, which stands for absent tools, cannot be iterated.
        environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_template_owned("chat", source.to_owned()).map_err(syntax)?;
        Ok(environment)
    }

    /// The text of a conversation; with `add_generation_prompt` it ends where the assistant's answer begins.
    ///
    /// Most templates write the BOS token themselves, which `Tokenizer::encode` does not repeat.
    ///
    /// # Errors
    /// [`ChatError::Render`] where the template refuses the conversation or fails.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, ChatError> {
        let message = |message: &Message| context! { role => &message.role, content => &message.content };
        let variables = context! {
            messages => messages.iter().map(message).collect::<Vec<Value>>(),
            add_generation_prompt,
            bos_token => &self.bos_token,
            eos_token => &self.eos_token,
            tools => (),
            documents => (),
        };
        let fail = |message: String| ChatError::Render { message };
        with_deep_stack(|| self.environment.get_template("chat").and_then(|template| template.render(variables)))
            .map_err(|error| fail(no_stack(&error)))?
            .map_err(|error| fail(error.to_string()))
    }
}

/// Runs `work` where a template of [`MAX_TEMPLATE`] bytes cannot overflow the stack, however deep it nests: the parser
/// descends once for each operator.
///
/// # Errors
/// What the system says where it gives no thread with such a stack.
fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn no_stack(error: &io::Error) -> String {
    format!("the system gives no thread with a stack of {STACK} bytes to read it: {error}")
}

/// The function by which templates refuse a conversation.
fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// The date as a template asks for it, in UTC so that no setting of the machine changes it.
fn strftime_now(format: String) -> Result<String, Error> {
    strftime(&format, Timestamp::now())
}

fn strftime(format: &str, time: Timestamp) -> Result<String, Error> {
    let bad = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}"));
    strtime::format(format, &time.to_zoned(TimeZone::UTC)).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{Tokenizer, TokenizerOptions};
    use trine_loader::{GgufWriter, StringArray, Value as Metadatum};

    fn render(source: &str, messages: &[Message]) -> Result<String, ChatError> {
        ChatTemplate::new(source, "<s>", "</s>").unwrap().render(messages, true)
    }

    #[test]
    fn deep_templates_are_read_or_refused_but_never_overflow() {
        let longest = |piece: &str| piece.repeat((MAX_TEMPLATE - 16) / piece.len());
        let sources = [
            format!("{{{{ {}1 }}}}", longest("-")),
            format!("{{{{ 1{} }}}}", longest("+1")),
            format!("{{{{ {}1 }}}}", longest("not ")),
            format!("{{{{ a{} }}}}", longest(".b")),
            format!("{{{{ {} }}}}", longest("[")),
            longest("{% if 1 %}"),
        ];
        for source in sources {
            let template = ChatTemplate::new(&source, "<s>", "</s>");
            drop(template.and_then(|template| template.render(&[], true)));
        }
        let error = ChatTemplate::new(&"a".repeat(MAX_TEMPLATE + 1), "", "").unwrap_err();
        assert!(error.to_string().contains("65537 bytes, more than 65536"), "{error}");
    }

    #[test]
    fn a_refused_conversation_says_why() {
        let source = "{% if messages[0].role != 'user' %}{{ raise_exception('begin with a user') }}{% endif %}";
        let error = render(source, &[Message::new("assistant", "Hi")]).unwrap_err().to_string();
        assert!(error.starts_with("tokenizer.chat_template cannot write this conversation"), "{error}");
        assert!(error.contains("begin with a user"), "{error}");
        assert_eq!(render(source, &[Message::new("user", "Hi")]).unwrap(), "");
    }

    #[test]
    fn a_broken_template_is_a_syntax_error_and_an_endless_one_ends() {
        let error = ChatTemplate::new("{% for m in messages %}", "", "").unwrap_err().to_string();
        assert!(error.starts_with("tokenizer.chat_template is not a valid template: "), "{error}");
        let digits = "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = a %}{% endfor %}{% endfor %}";
        let error = render(digits, &[]).unwrap_err().to_string();
        assert!(error.contains("fuel"), "{error}");
    }

    #[test]
    fn dates_are_written_in_english_and_utc() {
        let time: Timestamp = "2024-02-05T23:59:58Z".parse().unwrap();
        assert_eq!(strftime("%d %b %Y", time).unwrap(), "05 Feb 2024");
        assert_eq!(strftime("%A, %B %-d, %H:%M", time).unwrap(), "Monday, February 5, 23:59");
        assert!(strftime("%", time).is_err());
        let year: u32 = render("{{ strftime_now('%Y') }}", &[]).unwrap().parse().unwrap();
        assert!((2024..3000).contains(&year));
    }

    #[test]
    fn a_file_gives_its_template_and_the_texts_of_its_tokens() {
        let file = |template: Option<&str>| {
            let mut tokens = StringArray::default();
            ["a", "<begin>", "<end>"].iter().for_each(|token| tokens.push(token));
            let mut writer = GgufWriter::new();
            writer.set("tokenizer.ggml.model", "gpt2").unwrap();
            writer.set("tokenizer.ggml.pre", "gpt-2").unwrap();
            writer.set("tokenizer.ggml.tokens", tokens).unwrap();
            writer.set("tokenizer.ggml.merges", StringArray::default()).unwrap();
            writer.set("tokenizer.ggml.bos_token_id", Metadatum::U32(1)).unwrap();
            writer.set("tokenizer.ggml.eos_token_id", Metadatum::U32(2)).unwrap();
            if let Some(template) = template {
                writer.set(KEY, template).unwrap();
            }
            let mut bytes = Vec::new();
            writer.write_to(&mut bytes).unwrap();
            let gguf = Gguf::from_bytes("chat.gguf", bytes.into()).unwrap();
            let tokenizer = Tokenizer::from_gguf(&gguf, &TokenizerOptions::default()).unwrap();
            ChatTemplate::from_gguf(&gguf, &tokenizer)
        };
        let template = file(Some("{{ bos_token }}{{ messages[0]['content'] }}{{ eos_token }}")).unwrap();
        assert_eq!(template.render(&[Message::new("user", "Hi")], false).unwrap(), "<begin>Hi<end>");
        let error = file(None).unwrap_err().to_string();
        assert!(error.starts_with("chat.gguf: the file has no tokenizer.chat_template"), "{error}");
    }
}
