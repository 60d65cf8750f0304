//! Answers of `/v1/chat/completions`: messages and log-probabilities of their tokens. What does not belong here: texts
//! that are continued (`completion.rs`).

use super::choices::{Part, PartToken};
use super::completion::json_number;
use super::told::Told;
use super::usage::{Timings, Usage};
use super::{Form, StopReason};
use serde::Serialize;
use trine::model::TokenLogprob;

/// Writes answers in a conversation down.
#[derive(Debug)]
pub struct ChatForm(Told);

/// An event.
const CHUNK: &str = "chat.completion.chunk";

#[derive(Serialize)]
struct Whole<'c> {
    index: usize,
    message: Message<'c>,
    #[serde(flatten)]
    rest: Rest<'c>,
}

#[derive(Serialize)]
struct Message<'c> {
    role: &'static str,
    content: &'c str,
    refusal: Option<&'c str>,
}

#[derive(Serialize)]
struct Event<'c> {
    index: usize,
    delta: Delta<'c>,
    #[serde(flatten)]
    rest: Rest<'c>,
}

#[derive(Default, Serialize)]
struct Delta<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'c str>,
}

#[derive(Default, Serialize)]
struct Rest<'c> {
    logprobs: Option<Logprobs>,
    finish_reason: Option<&'static str>,
    stop_reason: Option<StopReason<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_ids: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_token_ids: Option<&'c [u32]>,
}

#[derive(Serialize)]
struct Logprobs {
    content: Vec<TokenEntry>,
    refusal: Option<String>,
}

#[derive(Serialize)]
struct TokenEntry {
    #[serde(flatten)]
    token: Entry,
    top_logprobs: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    token: String,
    logprob: f32,
    bytes: Vec<u8>,
}

impl ChatForm {
    /// For an answer that is told so much.
    pub fn new(told: Told) -> ChatForm {
        ChatForm(told)
    }

    fn entry(&self, TokenLogprob { id, logprob }: &TokenLogprob) -> Entry {
        Entry { token: self.0.names.text(*id), logprob: json_number(*logprob), bytes: self.0.names.bytes(*id) }
    }

    fn entries(&self, tokens: &[PartToken], best: usize) -> Logprobs {
        let of_token = |token: &PartToken| {
            let logprobs = token.logprobs.as_ref()?;
            let top_logprobs = logprobs.best.iter().take(best).map(|token| self.entry(token)).collect();
            Some(TokenEntry { token: self.entry(&logprobs.chosen), top_logprobs })
        };
        Logprobs { content: tokens.iter().filter_map(of_token).collect(), refusal: None }
    }

    fn tokens_of<'c>(&self, part: &'c Part) -> Rest<'c> {
        Rest {
            logprobs: self.0.logprobs.map(|best| self.entries(&part.tokens, best)),
            token_ids: self.0.ids(part),
            prompt_token_ids: part.prompt_ids.as_deref(),
            ..Rest::default()
        }
    }

    fn choice<'c>(&self, index: usize, part: &'c Part) -> Whole<'c> {
        let message = Message { role: "assistant", content: &part.text, refusal: None };
        let (finish_reason, stop_reason) = self.0.end(part);
        Whole { index, message, rest: Rest { finish_reason, stop_reason, ..self.tokens_of(part) } }
    }

    fn event(&self, index: usize, delta: Delta<'_>, rest: Rest<'_>, usage: Option<Usage>) -> String {
        self.0.event(CHUNK, Event { index, delta, rest }, usage)
    }
}

impl Form for ChatForm {
    fn events(&mut self, index: usize, part: &Part, usage: Option<Usage>) -> Vec<String> {
        let mut events = Vec::new();
        if part.is_first {
            let delta = Delta { role: Some("assistant"), content: Some("") };
            events.push(self.event(index, delta, Rest::default(), usage));
        }
        if !part.text.is_empty() || !part.tokens.is_empty() {
            let delta = Delta { content: Some(&part.text), ..Delta::default() };
            events.push(self.event(index, delta, self.tokens_of(part), usage));
        }
        if part.finish.is_some() {
            let (finish_reason, stop_reason) = self.0.end(part);
            let rest = Rest { finish_reason, stop_reason, ..Rest::default() };
            events.push(self.event(index, Delta::default(), rest, usage));
        }
        events
    }

    fn last(&mut self, usage: Usage, timings: Timings) -> String {
        self.0.end_of_all(CHUNK, Vec::<Event<'_>>::new(), usage, timings)
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String {
        let choices = choices.iter().enumerate().map(|(index, part)| self.choice(index, part)).collect();
        self.0.end_of_all("chat.completion", choices, usage, timings)
    }
}
