//! The choices of a request in the making: what each has got, which part of it is to be sent, how much it was. What
//! does not belong here: how a part is written down (`completion.rs`, `chat.rs`).

use super::message::{MessageParser, Piece};
use super::names::TokenNames;
use super::times::Times;
use super::usage::{Timings, Usage};
use crate::worker::Event;
use std::time::Instant;
use trine::model::{Finish, Logprobs};
use trine::text::TextStream;

/// A token of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct PartToken {
    /// Its id.
    pub id: u32,
    /// Its log-probability and those of the likeliest; none for the first token of a prompt.
    pub logprobs: Option<Logprobs>,
    /// Characters of the text before it.
    pub offset: usize,
}

/// What is added to a choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Text.
    pub text: String,
    /// What the text adds to a message, where the choice is one.
    pub pieces: Vec<Piece>,
    /// Whether the message has calls, in its last part.
    pub has_calls: bool,
    /// Tokens, where they are to be told.
    pub tokens: Vec<PartToken>,
    /// Why the choice ended, in its last part.
    pub finish: Option<Finish>,
    /// Whether it is the first part of its choice.
    pub is_first: bool,
    /// The tokens of the prompt, in the first part, where they are to be told.
    pub prompt_ids: Option<Vec<u32>>,
}

impl Part {
    /// Adds a later part to this one.
    pub fn append(&mut self, later: Part) {
        self.text += &later.text;
        self.pieces.extend(later.pieces);
        self.has_calls |= later.has_calls;
        self.tokens.extend(later.tokens);
        self.finish = later.finish.or(self.finish.take());
        if self.prompt_ids.is_none() {
            self.prompt_ids = later.prompt_ids;
        }
    }
}

/// A prompt, as far as answers show it.
#[derive(Clone, Debug, Default)]
pub struct PromptShown {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Its text, where answers begin with it.
    pub echo: Option<String>,
}

/// What is known of a choice.
#[derive(Debug)]
struct Choice {
    prompt: usize,
    is_first: bool,
    is_done: bool,
    completion: usize,
    /// Tokens of thoughts.
    reasoning: usize,
    cached: usize,
    offset: Offset,
    /// What takes its text apart, where it is a message.
    parser: Option<MessageParser>,
}

impl Choice {
    /// Takes the text of a part apart. A token counts as one of a thought where it begins or ends within one.
    fn take_apart(&mut self, part: &mut Part) {
        let Some(parser) = &mut self.parser else { return };
        let was_in_thought = parser.is_in_thought();
        part.pieces = parser.push(&part.text);
        if part.finish.is_some() {
            part.pieces.extend(parser.finish());
            part.has_calls = parser.has_calls();
        } else if was_in_thought || parser.is_in_thought() {
            self.reasoning += 1;
        }
    }
}

/// Counts the characters of a text whose tokens come one by one.
#[derive(Debug, Default)]
struct Offset {
    stream: TextStream,
    characters: usize,
    before_space: bool,
}

impl Offset {
    fn push(&mut self, mut bytes: &[u8]) -> usize {
        let before = self.characters;
        if self.before_space && !bytes.is_empty() {
            self.before_space = false;
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        self.characters += self.stream.push(bytes).chars().count();
        before
    }
}

/// The choices of a request.
#[derive(Debug)]
pub struct Choices {
    names: TokenNames,
    prompts: Vec<PromptShown>,
    choices: Vec<Choice>,
    /// Whether tokens and their log-probabilities are told.
    with_tokens: bool,
    with_ids: bool,
    include_stop: bool,
    times: Times,
}

impl Choices {
    /// `n` choices for each prompt; `answers` says that their texts are texts of their own.
    pub fn new(names: TokenNames, prompts: Vec<PromptShown>, n: usize, answers: bool) -> Choices {
        let adds_space = names.tokenizer().adds_space();
        let choice = |prompt: usize| Choice {
            prompt,
            is_first: true,
            is_done: false,
            completion: 0,
            reasoning: 0,
            cached: 0,
            parser: None,
            offset: Offset {
                before_space: adds_space && (answers || prompts[prompt].echo.is_some()),
                ..Offset::default()
            },
        };
        let choices = (0..prompts.len() * n).map(|index| choice(index / n)).collect();
        let (with_tokens, with_ids, include_stop) = (false, false, false);
        let times = Times::from(Instant::now());
        Choices { names, prompts, choices, with_tokens, with_ids, include_stop, times }
    }

    /// The same where tokens with log-probabilities, or ids of tokens, are told, or stop strings are part of texts.
    #[must_use]
    pub fn telling(self, with_tokens: bool, with_ids: bool, include_stop: bool) -> Choices {
        Choices { with_tokens, with_ids, include_stop, ..self }
    }

    /// The same where each choice is a message, whose text is taken apart so.
    #[must_use]
    pub fn of_messages(mut self, parser: &MessageParser) -> Choices {
        self.choices.iter_mut().for_each(|choice| choice.parser = Some(parser.clone()));
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Whether all have ended.
    pub fn are_done(&self) -> bool {
        self.choices.iter().all(|choice| choice.is_done)
    }

    /// What an event adds to a choice, if it adds something.
    pub fn take(&mut self, index: usize, event: Event) -> Option<Part> {
        let with_tokens = self.with_tokens || self.with_ids;
        let prompt = &self.prompts[self.choices[index].prompt];
        let choice = &mut self.choices[index];
        let mut part = Part::default();
        match event {
            Event::Started { cached, at } => {
                self.times.started(at);
                choice.cached = cached;
                return None;
            }
            Event::Prompt(logprobs) => {
                let echo = prompt.echo.as_ref()?;
                part.text.clone_from(echo);
                let first = std::iter::once(None).chain(logprobs.into_iter().map(Some));
                for (&id, logprobs) in prompt.ids.iter().zip(first.chain(std::iter::repeat(None))) {
                    let offset = choice.offset.push(&shown_bytes(&self.names, id));
                    part.tokens.push(PartToken { id, logprobs, offset });
                }
                if !with_tokens {
                    part.tokens.clear();
                }
            }
            Event::Token { id, text, logprobs, is_shown, at } => {
                self.times.generated(at);
                choice.completion += 1;
                part.text = text;
                let bytes = if is_shown { shown_bytes(&self.names, id) } else { Vec::new() };
                let offset = choice.offset.push(&bytes);
                if with_tokens {
                    part.tokens.push(PartToken { id, logprobs, offset });
                }
            }
            Event::Done { text, finish, at } => {
                self.times.generated(at);
                choice.is_done = true;
                part.text = text;
                if let (Finish::StopString(stop), true) = (&finish, self.include_stop) {
                    part.text += stop;
                }
                part.finish = Some(finish);
            }
            Event::Accepted => return None,
            Event::Failed(_) => {
                choice.is_done = true;
                return None;
            }
        }
        choice.take_apart(&mut part);
        let says = if choice.parser.is_some() { !part.pieces.is_empty() } else { !part.text.is_empty() };
        if !says && part.tokens.is_empty() && part.finish.is_none() {
            return None;
        }
        part.is_first = std::mem::take(&mut choice.is_first);
        part.prompt_ids = (part.is_first && self.with_ids).then(|| prompt.ids.clone());
        Some(part)
    }

    /// The tokens so far.
    pub fn usage(&self) -> Usage {
        let prompt = self.prompts.iter().map(|prompt| prompt.ids.len()).sum();
        let n = self.choices.len() / self.prompts.len().max(1);
        let cached = self.choices.iter().step_by(n.max(1)).map(|choice| choice.cached).sum();
        let reasoning = self.choices.iter().map(|choice| choice.reasoning).sum();
        Usage::new(prompt, self.choices.iter().map(|choice| choice.completion).sum(), cached).with_reasoning(reasoning)
    }

    /// How long it took so far.
    pub fn timings(&self) -> Timings {
        self.times.timings(self.usage())
    }
}

/// The bytes of a token that are part of a text: none of a control token.
fn shown_bytes(names: &TokenNames, id: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An embedding that pads the vocabulary has no text.
    let _ = names.tokenizer().decode_into(id, false, &mut bytes);
    bytes
}
