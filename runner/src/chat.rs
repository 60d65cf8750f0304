//! `trine chat`: a conversation, one line for each message.

use crate::args::ChatArguments;
use crate::generation::{self, Generation, Refused, Streamed};
use crate::input;
use crate::interrupt::Signal;
use crate::load::{self, Program};
use crate::message;
use crate::outcome::Outcome;
use anyhow::Result;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use trine::model::{ChatError, ChatTemplate, Message, Session, Tokenizer, TokenizerError, Transformer};
use trine::ops::Cpu;
use trine::shapes::Model;

/// Positions of a conversation where none are asked for.
const POSITIONS: usize = 4096;

/// Runs the command.
///
/// # Errors
/// The model does not load or has no chat template, or input or output fail.
pub fn chat(arguments: &ChatArguments) -> Result<Outcome> {
    let cpu = load::cpu(&arguments.cpu)?;
    let file = load::open(arguments.model.as_deref(), &arguments.load.access)?;
    let tokenizer = Arc::new(load::tokenizer(&*file, &arguments.load.vocabulary)?);
    let advice = generation::advice(&*file);
    let generation = Generation::new(&arguments.generation, arguments.tokens, advice.as_ref())?.answering(true);
    let template = generation::template(&*file, &tokenizer, &arguments.generation, advice.as_ref())?;
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
                _ => {
                    // Ctrl-C ends an answer, other signals the conversation.
                    let signal = self.turn(&mut session, &mut messages, line)?;
                    if let Some(signal) = signal.filter(|signal| !signal.is_ctrl_c()) {
                        return Ok(Outcome::Interrupted(signal));
                    }
                }
            }
        }
        Ok(Outcome::Done)
    }
}

impl Chat<'_> {
    /// Answers a message, and returns the signal that ended the answer. Where it cannot be answered, the conversation
    /// stays as it was.
    fn turn<M: Model>(
        &mut self,
        session: &mut Session<M>,
        messages: &mut Vec<Message>,
        line: String,
    ) -> Result<Option<Signal>> {
        messages.push(Message::new("user", line));
        match self.answer(session, messages) {
            Ok(Streamed { text, signal, .. }) => {
                messages.push(Message::new("assistant", text));
                Ok(signal)
            }
            Err(error) if is_of_messages(&error) => {
                messages.pop();
                message::left_out(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn answer<M: Model>(&mut self, session: &mut Session<M>, messages: &[Message]) -> Result<Streamed<M>> {
        let prompt = generation::begun(self.template.encode(self.tokenizer, messages, true)?)?;
        self.generation.print(session, self.tokenizer, &prompt, "")
    }
}

/// Whether other messages may have no such error: the template or the vocabulary refuses one, or they are too long.
fn is_of_messages(error: &anyhow::Error) -> bool {
    error.is::<ChatError>() || error.is::<TokenizerError>() || error.is::<Refused>()
}

/// The next line without its line break, or nothing at the end of the input. On a terminal it is asked for.
fn read_line() -> Result<Option<String>> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr();
        let _ = write!(out, "> ").and_then(|()| out.flush());
    }
    input::read_line()
}
