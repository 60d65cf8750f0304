//! `trine chat`: a conversation. The rooms behind this file are
//!
//! * `chat/lines.rs`: where lines come from;
//! * `chat/command.rs`: which of them are messages and which commands;
//! * `chat/settings.rs`: what `/set` changes;
//! * `chat/conversation.rs`, `chat/saved.rs`: what was said, and files of it;
//! * `chat/answer.rs`: an answer, and what of the conversation fits into the context.
//!
//! What does not belong here: how text is generated (`generation.rs`) and shown (`display.rs`).

mod answer;
mod command;
mod conversation;
mod lines;
mod saved;
mod settings;

use crate::args::ChatArguments;
use crate::draft::{self, Speaker};
use crate::generation::{self, Generation};
use crate::interrupt::Signal;
use crate::load::{self, Program};
use crate::message::{self, line, note};
use crate::outcome::Outcome;
use answer::Full;
use anyhow::Result;
use command::{Command, Said};
use conversation::Conversation;
use lines::{Lines, Read};
use settings::Settings;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use trine::loader::one_line;
use trine::model::{Advice, ChatError, ChatTemplate, Session, Source, Tokenizer, TokenizerError, Transformer};
use trine::ops::Cpu;
use trine::shapes::Model;

/// Positions of a conversation where none are asked for.
const POSITIONS: usize = 4096;

/// Runs the command.
///
/// # Errors
/// The model does not load or has no chat template, or input or output fail.
pub fn chat(arguments: &ChatArguments) -> Result<Outcome> {
    let (conversation, path) = begin(arguments)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let file = load::open(arguments.model.as_deref(), &arguments.load.access)?;
    let tokenizer = Arc::new(load::tokenizer(&*file, &arguments.load.vocabulary)?);
    let advice = generation::advice(&*file);
    let settings = Settings::new(arguments);
    let generation = generation(&settings, advice.as_ref())?;
    let template = generation::template(&*file, &tokenizer, &arguments.generation, advice.as_ref())?;
    let chat = Chat {
        arguments,
        file: &*file,
        template,
        tokenizer: &tokenizer,
        cpu: &cpu,
        advice: advice.as_ref(),
        settings,
        generation,
        conversation,
        path,
        lines: Lines::new(arguments.history.as_deref())?,
        last: None,
        failed: false,
    };
    load::with_model(&*file, &arguments.load, &cpu, chat)
}

/// The conversation that the arguments ask for, and its file.
fn begin(arguments: &ChatArguments) -> Result<(Conversation, Option<PathBuf>)> {
    let mut conversation = match &arguments.conversation {
        Some(path) => saved::load(path)?.0,
        None => Conversation::default(),
    };
    if arguments.system.is_some() {
        conversation.system.clone_from(&arguments.system);
    }
    Ok((conversation, arguments.conversation.clone()))
}

fn generation(settings: &Settings, advice: Option<&Advice>) -> Result<Generation> {
    Ok(Generation::new(&settings.generation, settings.tokens, advice)?.answering(true))
}

struct Chat<'c> {
    arguments: &'c ChatArguments,
    file: &'c dyn Source,
    template: ChatTemplate,
    tokenizer: &'c Arc<Tokenizer>,
    cpu: &'c Cpu,
    advice: Option<&'c Advice>,
    settings: Settings,
    generation: Generation,
    conversation: Conversation,
    /// Where the conversation was last saved to or loaded from.
    path: Option<PathBuf>,
    lines: Lines,
    /// What is to be said of the last answer.
    last: Option<String>,
    /// Whether something that a pipe said had no answer.
    failed: bool,
}

/// How a conversation goes on.
enum Flow {
    On,
    Exit,
    /// A signal that ends more than an answer.
    Signal(Signal),
}

/// A command that is not obeyed.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.0))
    }
}

impl std::error::Error for Refusal {}

impl Program for Chat<'_> {
    type Out = Outcome;

    fn run<M: Model>(mut self, model: &Arc<Transformer<M>>) -> Result<Outcome> {
        self.generation.check(model.config.dims.vocab)?;
        let context = generation::context(&self.settings.generation, POSITIONS, &model.config)?;
        let session = Session::new(model, self.cpu, context, self.settings.generation.kv)?;
        let arguments = self.arguments;
        let asked = (arguments.generation.draft.as_deref(), arguments.generation.kv, &arguments.load.access);
        draft::with_draft(session, self.tokenizer, asked, self.cpu, &mut |speaker| self.converse(speaker))
    }
}

impl Chat<'_> {
    fn converse<M: Model>(&mut self, speaker: &mut Speaker<'_, M>) -> Result<Outcome> {
        if self.lines.is_interactive() {
            note("`/help` lists what there is besides messages");
        }
        loop {
            let text = match self.lines.read("")? {
                Read::Text(text) => text,
                Read::End => break,
                Read::Interrupted => return Ok(Outcome::Interrupted(Signal::CTRL_C)),
            };
            match self.obey(speaker, &text) {
                Ok(Flow::On) => {}
                Ok(Flow::Exit) => break,
                Ok(Flow::Signal(signal)) => return Ok(Outcome::Interrupted(signal)),
                Err(error) if self.goes_on_after(&error) => self.report(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(if self.failed { Outcome::Refused } else { Outcome::Done })
    }

    /// Whether the next line may have no such error. A full context, of which nothing may be dropped, ends a pipe.
    fn goes_on_after(&self, error: &anyhow::Error) -> bool {
        let of_messages = error.is::<ChatError>() || error.is::<TokenizerError>() || error.is::<generation::Refused>();
        of_messages || error.is::<Refusal>() || (error.is::<Full>() && self.lines.is_interactive())
    }

    /// Says why a line was left out. A pipe has nobody to see it before its end, which the exit code then tells.
    fn report(&mut self, error: &anyhow::Error) {
        let is_message = !error.is::<Refusal>();
        match self.lines.is_interactive() {
            true if is_message => message::left_out(error),
            true => line(&format!("note: {}", message::with_causes(error))),
            false => {
                self.failed = true;
                message::error(error);
            }
        }
    }

    /// Does what a line says.
    fn obey<M: Model>(&mut self, speaker: &mut Speaker<'_, M>, text: &str) -> Result<Flow> {
        match command::parse(text)? {
            Said::Nothing => {}
            Said::Message(message) => return self.say(speaker, message),
            Said::Command(command) => match command {
                Command::Help => line(&format!("{}\n\n{}", command::help(), self.settings.listed(&self.generation))),
                Command::Set(None) => line(&self.settings.listed(&self.generation)),
                Command::Set(Some((name, value))) => self.set(&speaker.session, &name, &value)?,
                Command::System(None) => {
                    line(&one_line(self.conversation.system.as_deref().unwrap_or("there is no system message")));
                }
                Command::System(Some(text)) => self.conversation.system = Some(text).filter(|text| text != "-"),
                Command::Regen => return self.answer_again(speaker),
                Command::Edit(text) => return self.edit(speaker, text),
                Command::Save(path) => self.save(path)?,
                Command::Load(path) => self.load(path)?,
                Command::Stats => line(self.last.as_deref().unwrap_or("there is no answer yet")),
                Command::Reset => {
                    let system = self.conversation.system.take();
                    self.conversation = Conversation::new(system);
                }
                Command::Exit => return Ok(Flow::Exit),
            },
        }
        Ok(Flow::On)
    }

    /// Answers a message. One that cannot be answered is no part of the conversation.
    fn say<M: Model>(&mut self, speaker: &mut Speaker<'_, M>, message: String) -> Result<Flow> {
        self.conversation.turns.push(conversation::Turn { message, answer: None });
        let answered = self.answer(speaker);
        if answered.is_err() {
            self.conversation.pop();
        }
        answered
    }

    fn answer_again<M: Model>(&mut self, speaker: &mut Speaker<'_, M>) -> Result<Flow> {
        let last = self.conversation.turns.last_mut().ok_or_else(|| no_message("/regen"))?;
        let before = last.answer.take();
        if self.generation.seed.is_none() {
            note("note: the likeliest tokens are taken, so the answer is the same: `/set temperature 0.8` draws");
        }
        let answered = self.answer(speaker);
        if let (Err(_), Some(last)) = (&answered, self.conversation.turns.last_mut()) {
            last.answer = before;
        }
        answered
    }

    fn edit<M: Model>(&mut self, speaker: &mut Speaker<'_, M>, text: Option<String>) -> Result<Flow> {
        let last = self.conversation.turns.last().ok_or_else(|| no_message("/edit"))?;
        let text = match text {
            Some(text) => text,
            None if self.lines.can_edit() => match self.lines.read(&command::written(&last.message))? {
                Read::Text(text) => text,
                Read::End | Read::Interrupted => return Ok(Flow::On),
            },
            None => return Err(Refusal("/edit: expected the new message behind it: `/edit TEXT`".to_owned()).into()),
        };
        let Said::Message(message) = command::parse(&text)? else {
            return Err(Refusal("/edit: expected a message, found none; the last one stays".to_owned()).into());
        };
        let before = self.conversation.clone();
        self.conversation.pop();
        let answered = self.say(speaker, message);
        if answered.is_err() {
            self.conversation = before;
        }
        answered
    }

    fn set<M: Model>(&mut self, session: &Session<M>, name: &str, value: &str) -> Result<()> {
        let settings = self.settings.with(name, value)?;
        let refused = |error: anyhow::Error| Refusal(format!("/set {name} {value}: {error}"));
        let generation = generation(&settings, self.advice).map_err(refused)?;
        generation.check(session.transformer().config.dims.vocab)?;
        if settings.generation.thinking != self.settings.generation.thinking {
            self.template = generation::template(self.file, self.tokenizer, &settings.generation, self.advice)?;
        }
        (self.settings, self.generation) = (settings, generation);
        Ok(())
    }

    fn save(&mut self, path: Option<PathBuf>) -> Result<()> {
        let path = path.or_else(|| self.path.clone());
        let path = path.ok_or_else(|| Refusal("/save: expected the name of a file: `/save FILE`".to_owned()))?;
        saved::save(&path, &self.conversation, self.file.label()).map_err(of_file("/save"))?;
        note(&format!("{} has {}", path.display(), turns(&self.conversation)));
        self.path = Some(path);
        Ok(())
    }

    fn load(&mut self, path: PathBuf) -> Result<()> {
        let (conversation, model) = saved::load(&path).map_err(of_file("/load"))?;
        note(&format!("{} has {} with {}", path.display(), turns(&conversation), one_line(&model)));
        (self.conversation, self.path) = (conversation, Some(path));
        Ok(())
    }
}

fn no_message(command: &str) -> Refusal {
    Refusal(format!("{command}: expected a message before it, found none"))
}

/// The error of a file as that of the command that names it.
fn of_file(command: &str) -> impl Fn(anyhow::Error) -> Refusal {
    move |error| Refusal(format!("{command}: {}", message::with_causes(&error)))
}

fn turns(conversation: &Conversation) -> String {
    match conversation.turns.len() {
        1 => "1 message and its answer".to_owned(),
        count => format!("{count} messages and their answers"),
    }
}
