//! Answers of `/v1/chat/completions`: messages and log-probabilities of their tokens. What does not belong here: texts
//! that are continued (`completion.rs`).

use super::choices::{Part, PartToken};
use super::completion::json_number;
use super::names::TokenNames;
use super::usage::{Timings, Usage};
use super::{Form, Heading, StopReason, finish_reason, stop_reason};
use serde::Serialize;
use trine::model::TokenLogprob;

/// Writes answers in a conversation down.
#[derive(Debug)]
pub struct ChatForm {
    heading: Heading,
    names: TokenNames,
    /// The likeliest tokens that are told of each, where log-probabilities are.
    logprobs: Option<usize>,
    with_ids: bool,
    with_usage: bool,
    stop_ids: Vec<u32>,
}

#[derive(Serialize)]
struct Body<'b, C> {
    id: &'b str,
    object: &'static str,
    created: u64,
    model: &'b str,
    system_fingerprint: &'b str,
    choices: Vec<C>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings: Option<Timings>,
}

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
    /// For an answer with this heading.
    pub fn new(heading: Heading, names: TokenNames, logprobs: Option<usize>, stop_ids: Vec<u32>) -> ChatForm {
        ChatForm { heading, names, logprobs, with_ids: false, with_usage: false, stop_ids }
    }

    /// The same with ids of tokens, or with a field for the numbers of tokens in events.
    #[must_use]
    pub fn telling(self, with_ids: bool, with_usage: bool) -> ChatForm {
        ChatForm { with_ids, with_usage, ..self }
    }

    fn entry(&self, TokenLogprob { id, logprob }: &TokenLogprob) -> Entry {
        Entry { token: self.names.text(*id), logprob: json_number(*logprob), bytes: self.names.bytes(*id) }
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
            logprobs: self.logprobs.map(|best| self.entries(&part.tokens, best)),
            token_ids: self.with_ids.then(|| part.tokens.iter().map(|token| token.id).collect()),
            prompt_token_ids: part.prompt_ids.as_deref(),
            ..Rest::default()
        }
    }

    fn choice<'c>(&self, index: usize, part: &'c Part) -> Whole<'c> {
        let message = Message { role: "assistant", content: &part.text, refusal: None };
        let finish = part.finish.as_ref();
        let finish_reason = finish.map(finish_reason);
        let stop_reason = finish.and_then(|finish| stop_reason(finish, &self.stop_ids));
        Whole { index, message, rest: Rest { finish_reason, stop_reason, ..self.tokens_of(part) } }
    }

    fn body<C: Serialize>(
        &self,
        object: &'static str,
        choices: Vec<C>,
        usage: Option<Option<Usage>>,
        timings: Option<Timings>,
    ) -> String {
        let Heading { id, created, model, fingerprint } = &self.heading;
        let (created, system_fingerprint) = (*created, fingerprint.as_str());
        super::to_line(&Body { id, object, created, model, system_fingerprint, choices, usage, timings })
    }

    fn event(&self, index: usize, delta: Delta<'_>, rest: Rest<'_>, usage: Option<Usage>) -> String {
        let usage = self.with_usage.then_some(usage);
        self.body("chat.completion.chunk", vec![Event { index, delta, rest }], usage, None)
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
        if let Some(finish) = &part.finish {
            let (finish_reason, stop_reason) = (Some(finish_reason(finish)), stop_reason(finish, &self.stop_ids));
            events.push(self.event(
                index,
                Delta::default(),
                Rest { finish_reason, stop_reason, ..Rest::default() },
                usage,
            ));
        }
        events
    }

    fn last(&mut self, usage: Usage, timings: Timings) -> String {
        self.body::<Event<'_>>("chat.completion.chunk", Vec::new(), Some(Some(usage)), Some(timings))
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String {
        let choices = choices.iter().enumerate().map(|(index, part)| self.choice(index, part)).collect();
        self.body("chat.completion", choices, Some(Some(usage)), Some(timings))
    }
}
