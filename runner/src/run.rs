//! `trine run`: a prompt is continued, or answered where the file has a chat template.

use crate::args::{DEFAULT_PROMPT, RunArguments, Thoughts};
use crate::display::{Display, Manner, Spoken};
use crate::document;
use crate::draft::{self, Speaker};
use crate::generation::{self, Generation, Streamed};
use crate::input;
use crate::load::{self, Program};
use crate::logprobs;
use crate::message::{Usage, note};
use crate::outcome::Outcome;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use trine::model::{
    Advice, ChatError, EncodeOptions, Finish, Generated, Logprobs, Message, Session, Source, Tokenizer, Transformer,
};
use trine::ops::Cpu;
use trine::shapes::Model;
use trine::text::ThoughtParser;

/// Runs the command.
///
/// # Errors
/// The prompt cannot be read or is empty, the model does not load, or the output cannot be written.
pub fn run(arguments: &RunArguments) -> Result<Outcome> {
    let text = prompt_text(arguments)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let file = load::open(arguments.model.as_deref(), &arguments.load.access)?;
    let tokenizer = Arc::new(load::tokenizer(&*file, &arguments.load.vocabulary)?);
    let advice = generation::advice(&*file);
    let generation = Generation::new(&arguments.generation, arguments.tokens, advice.as_ref())?;
    let prompt = Prompt::new(&*file, &tokenizer, text, arguments, advice.as_ref())?;
    let generation = generation.with_logprobs(arguments.logprobs).answering(prompt.is_answered);
    load::with_model(
        &*file,
        &arguments.load,
        &cpu,
        Run { arguments, prompt, tokenizer: &tokenizer, generation, cpu: &cpu },
    )
}

/// The prompt from wherever it comes.
fn prompt_text(arguments: &RunArguments) -> Result<String> {
    let given = arguments.prompt.as_ref().or(arguments.text.as_ref());
    let text = match (given, &arguments.file) {
        (Some(text), _) if text != "-" => return Ok(text.clone()),
        (Some(_), _) => input::read_standard_input()?,
        (None, Some(path)) => input::read_text(path)?,
        (None, None) if std::io::stdin().is_terminal() => String::new(),
        (None, None) => input::read_standard_input()?,
    };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    let nothing_asked = given.is_none() && arguments.file.is_none() && text.is_empty();
    Ok(if nothing_asked { DEFAULT_PROMPT.to_owned() } else { text.to_owned() })
}

/// Nothing is added; special tokens are what they name.
const RAW: EncodeOptions = EncodeOptions { parse_special: true, ..EncodeOptions::PLAIN };

/// A prompt as the model takes it.
struct Prompt {
    ids: Vec<u32>,
    /// What is printed before the generated text: the beginning of the same text.
    shown: String,
    /// Whether the generated text is another one: an answer.
    is_answered: bool,
}

impl Prompt {
    fn new(
        file: &dyn Source,
        tokenizer: &Tokenizer,
        text: String,
        arguments: &RunArguments,
        advice: Option<&Advice>,
    ) -> Result<Prompt> {
        let template = match generation::template(file, tokenizer, &arguments.generation, advice) {
            _ if arguments.raw || arguments.complete => None,
            Err(ChatError::Missing { .. }) => None,
            template => Some(template?),
        };
        let options = if arguments.raw { RAW } else { EncodeOptions::PROMPT };
        Ok(match template {
            None if arguments.system.is_some() => bail!(Usage(format!(
                "--system: {} has no chat template, so nothing of it is told; put it into the prompt",
                file.label()
            ))),
            None => Prompt { ids: generation::prompt(tokenizer, &text, options)?, shown: text, is_answered: false },
            Some(template) => {
                let system = arguments.system.as_ref().map(|told| Message::new("system", told));
                let messages: Vec<_> = system.into_iter().chain([Message::new("user", text)]).collect();
                let ids = generation::begun(template.encode(tokenizer, &messages, true)?)?;
                Prompt { ids, shown: String::new(), is_answered: true }
            }
        })
    }
}

/// How the text is shown: lines break where the model breaks them, so that they can be copied.
const MANNER: Manner = Manner { thoughts: Thoughts::Show, wrap: false };

/// What tells thoughts from the answer; a text that is continued has none.
fn parser(is_answered: bool, end_of_prompt: &str) -> ThoughtParser {
    if is_answered { ThoughtParser::new().after(end_of_prompt) } else { ThoughtParser::with_tags("", "") }
}

struct Run<'r> {
    arguments: &'r RunArguments,
    prompt: Prompt,
    tokenizer: &'r Arc<Tokenizer>,
    generation: Generation,
    cpu: &'r Cpu,
}

impl Program for Run<'_> {
    type Out = Outcome;

    fn run<M: Model>(mut self, model: &Arc<Transformer<M>>) -> Result<Outcome> {
        self.generation.check(model.config.dims.vocab)?;
        let ids = &self.prompt.ids;
        let needed = ids.len().saturating_add(self.arguments.tokens);
        let context = generation::context(&self.arguments.generation, needed, &model.config)?;
        let session = Session::new(model, self.cpu, context, self.arguments.generation.kv)?;
        generation::check_room(&session, ids)?;
        let arguments = self.arguments;
        let asked = (arguments.generation.draft.as_deref(), arguments.generation.kv, &arguments.load.access);
        draft::with_draft(session, self.tokenizer, asked, self.cpu, &mut |speaker| self.tell(speaker))
    }
}

impl Run<'_> {
    fn tell<M: Model>(&mut self, speaker: &mut Speaker<'_, M>) -> Result<Outcome> {
        let Prompt { ids, shown, is_answered } = &self.prompt;
        let positions = speaker.session.capacity();
        let end = generation::end_of(self.tokenizer, ids);
        let mut display = (!self.arguments.json).then(|| Display::new(MANNER, parser(*is_answered, &end)));
        // The prompt stands before the text. While it is read, its line may have a bar.
        let mut before = Some(shown.as_str());
        let mut show = |text: &str| {
            let Some(display) = &mut display else { return Ok(()) };
            before.take().map_or(Ok(()), |shown| display.push(shown))?;
            display.push(text)
        };
        let streamed = self.generation.stream(speaker, self.tokenizer, ids, &mut show)?;
        show("")?;
        let Streamed { generated, text, signal } = streamed;
        display.map(Display::finish).transpose()?;
        if generated.finish == Finish::ContextFull {
            generation::note_full(positions);
        }
        if self.arguments.json {
            let spoken = Spoken::of(&text, parser(*is_answered, &end));
            document::print(&described(&generated, (&text, spoken), self.generation.seed, self.tokenizer))?;
        } else {
            logprobs::show(&generated.logprobs, self.tokenizer)?;
        }
        note(&generation::statistics(&generated, self.generation.seed));
        Ok(signal.map_or(Outcome::Done, Outcome::Interrupted))
    }
}

/// A run in a document.
fn described<M>(
    generated: &Generated<M>,
    (text, spoken): (&str, Spoken),
    seed: Option<u64>,
    tokenizer: &Tokenizer,
) -> Value {
    let by = match &generated.finish {
        Finish::Token(id) => json!(id),
        Finish::StopString(text) => json!(text),
        _ => Value::Null,
    };
    let speed = |(tokens, time): (usize, Duration)| json!({ "tokens": tokens, "seconds": time.as_secs_f64() });
    let logprobs = |Logprobs { chosen, best, .. }: &Logprobs| {
        let mut token = logprobs::token(Some(tokenizer), chosen);
        token["likeliest"] = json!(logprobs::tokens(Some(tokenizer), best));
        token
    };
    json!({
        "text": text,
        "thought": (!spoken.thought.is_empty()).then_some(spoken.thought),
        "answer": spoken.answer,
        "finish": generated.finish.name(),
        "finish_by": by,
        "prompt": speed(generated.prompt),
        "decode": speed(generated.decode),
        "seed": seed,
        "logprobs": generated.logprobs.iter().map(logprobs).collect::<Vec<Value>>(),
    })
}
