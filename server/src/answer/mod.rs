//! From what a generation yields to what is sent: parts of choices, their JSON in the form of an endpoint, events.
//!
//! What belongs here: the forms of answers. What does not: when which sequence runs (`worker`).

mod chat;
mod choices;
mod completion;
mod events;
mod message;
mod messages;
mod names;
mod ollama;
mod responses;
mod times;
mod told;
mod usage;

pub use chat::ChatForm;
pub use choices::{Choices, Part, PromptShown};
pub use completion::CompletionForm;
pub use events::{EventBody, Events, Media};
pub use message::MessageParser;
pub use messages::{MessagesForm, error_json};
pub use names::TokenNames;
pub use ollama::OllamaForm;
pub use responses::ResponsesForm;
pub use told::Told;
pub use usage::{Timings, Usage};

use crate::error::ApiError;
use crate::id;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};
use trine::model::Finish;

/// What every part of an answer begins with.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The name of the answer.
    pub id: String,
    /// When it was asked for, in seconds since 1970.
    pub created: u64,
    /// The model, as the client named it.
    pub model: String,
    /// What equal requests get equal answers of.
    pub fingerprint: String,
}

impl Heading {
    /// That of an answer which begins at this moment; its name has this prefix.
    pub fn new(prefix: &str, model: &str, fingerprint: &str) -> Heading {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Heading { id: id::new(prefix), created, model: model.to_owned(), fingerprint: fingerprint.to_owned() }
    }
}

/// How an endpoint writes answers down.
pub trait Form: Send + 'static {
    /// What its streams are.
    fn media(&self) -> Media {
        Media::Events
    }

    /// Writes what comes before all parts, where the prompt has so many tokens.
    fn begin(&mut self, _usage: Usage, _out: &mut Events) {}

    /// Writes a part of a choice; `usage` are the tokens so far.
    fn part(&mut self, index: usize, part: &Part, usage: Usage, out: &mut Events);

    /// Writes what comes behind all parts.
    fn end(&mut self, usage: Usage, timings: Timings, out: &mut Events);

    /// Writes why there is no more.
    fn fail(&mut self, error: &ApiError, out: &mut Events);

    /// The whole answer, from all parts of each choice in one.
    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String;
}

/// What ended a choice, where the request named it.
#[derive(Serialize)]
#[serde(untagged)]
enum StopReason<'r> {
    Text(&'r str),
    Token(u32),
}

fn stop_reason<'r>(finish: &'r Finish, stop_ids: &[u32]) -> Option<StopReason<'r>> {
    match finish {
        Finish::StopString(text) => Some(StopReason::Text(text)),
        Finish::Token(id) if stop_ids.contains(id) => Some(StopReason::Token(*id)),
        _ => None,
    }
}

fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::Token(_) | Finish::StopString(_) => "stop",
        _ => "length",
    }
}

/// A value on one line of JSON.
fn to_line(value: &impl Serialize) -> String {
    // The types of answers have no keys but texts, so that nothing of them cannot be written.
    serde_json::to_string(value).unwrap_or_default()
}
