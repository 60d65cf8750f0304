//! `trine chat`: a conversation, one line for each message.

use crate::args::ChatArguments;
use crate::generation::{self, Generation, Streamed, print};
use crate::load::{self, Program};
use crate::message;
use crate::outcome::Outcome;
use anyhow::{Context, Result};
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use trine::model::{ChatTemplate, GenerateError, Message, Session, StepError, Tokenizer, Transformer};
use trine::ops::Cpu;
use trine::shapes::Model;

/// Positions of a conversation where none are asked for.
const POSITIONS: usize = 4096;

/// Runs the command.
///
/// # Errors
/// The model does not load or has no chat template, or input or output fail.
pub fn chat(arguments: &ChatArguments) -> Result<Outcome> {
    let generation = Generation::new(&arguments.generation, arguments.tokens)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let file = load::open(arguments.model.as_deref(), &arguments.load.access)?;
    let tokenizer = Arc::new(load::tokenizer(&*file, &arguments.load.vocabulary)?);
    let template = file.chat_template(&tokenizer)?;
    let chat = Chat { arguments, template, tokenizer: &tokenizer, generation, cpu: &cpu };
    load::with_model(&*file, &arguments.load, &cpu, chat)
}

struct Chat<'c> {
    arguments: &'c ChatArguments,
    template: ChatTemplate,
    tokenizer: &'c Arc<Tokenizer>,
    generation: Generation,
    cpu: &'c Cpu,
}

impl Program for Chat<'_> {
    type Out = Outcome;

    fn run<M: Model>(mut self, model: &Arc<Transformer<M>>) -> Result<Outcome> {
        self.generation.check(model.config.dims.vocab)?;
        let context = generation::context(&self.arguments.generation, POSITIONS, &model.config)?;
        let mut session = Session::new(model, self.cpu, context, self.arguments.generation.kv)?;
        let beginning: Vec<Message> = self.arguments.system.iter().map(|text| Message::new("system", text)).collect();
        let mut messages = beginning.clone();
        while let Some(line) = read_line()? {
            match line.as_str() {
                "" => {}
                "/exit" => break,
                "/reset" => messages.clone_from(&beginning),
                _ => self.turn(&mut session, &mut messages, line)?,
            }
        }
        Ok(Outcome::Done)
    }
}

impl Chat<'_> {
    /// Answers a message; where it does not fit, the conversation stays as it was.
    fn turn<M: Model>(&mut self, session: &mut Session<M>, messages: &mut Vec<Message>, line: String) -> Result<()> {
        messages.push(Message::new("user", line));
        let prompt = self.template.encode(self.tokenizer, messages, true)?;
        match self.generation.stream(session, self.tokenizer, &prompt) {
            Ok(Streamed { text, .. }) => {
                print("\n")?;
                messages.push(Message::new("assistant", text));
            }
            Err(error) if is_full(&error) => {
                messages.pop();
                message::note(&format!("{error}; `/reset` begins a new conversation"));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn is_full(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(GenerateError::Session(StepError::ContextFull { .. })))
}

/// The next line without its line break, or nothing at the end of the input. On a terminal it is asked for.
fn read_line() -> Result<Option<String>> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr();
        let _ = write!(out, "> ").and_then(|()| out.flush());
    }
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}
