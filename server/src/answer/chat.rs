//! Answers of `/v1/chat/completions`: messages and log-probabilities of their tokens. What does not belong here: texts
//! that are continued (`completion.rs`).

use super::choices::{Part, PartToken};
use super::completion::json_number;
use super::message::{self, Piece};
use super::told::Told;
use super::usage::{Timings, Usage};
use super::{Events, Form, StopReason};
use crate::error::ApiError;
use crate::options::ReasoningField;
use serde::Serialize;
use trine::model::TokenLogprob;

/// Writes answers in a conversation down.
#[derive(Debug)]
pub struct ChatForm {
    told: Told,
    reasoning: ReasoningField,
    /// Calls of each choice so far, in events.
    calls: Vec<usize>,
}

/// An event.
const CHUNK: &str = "chat.completion.chunk";

#[derive(Serialize)]
struct Whole<'c> {
    index: usize,
    message: Message,
    #[serde(flatten)]
    rest: Rest<'c>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: Option<String>,
    #[serde(flatten)]
    thought: Thought<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<String>>,
    refusal: Option<String>,
}

/// What the model thinks, in the fields that the server was told.
#[derive(Default, Serialize)]
struct Thought<S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<S>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<S>,
}

impl<S: Clone> Thought<S> {
    fn of(text: S, field: ReasoningField) -> Thought<S> {
        let (old, new) = (field != ReasoningField::Reasoning, field != ReasoningField::ReasoningContent);
        Thought { reasoning_content: old.then(|| text.clone()), reasoning: new.then_some(text) }
    }
}

/// A call of a tool, or a part of one.
#[derive(Serialize)]
struct Call<S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<S>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: Function<S>,
}

#[derive(Serialize)]
struct Function<S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<S>,
    arguments: S,
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
    #[serde(flatten)]
    thought: Thought<&'c str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<&'c str>>,
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
    pub fn new(told: Told, reasoning: ReasoningField) -> ChatForm {
        ChatForm { told, reasoning, calls: Vec::new() }
    }

    fn entry(&self, TokenLogprob { id, logprob }: &TokenLogprob) -> Entry {
        Entry { token: self.told.names.text(*id), logprob: json_number(*logprob), bytes: self.told.names.bytes(*id) }
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
            logprobs: self.told.logprobs.map(|best| self.entries(&part.tokens, best)),
            token_ids: self.told.ids(part),
            prompt_token_ids: part.prompt_ids.as_deref(),
            ..Rest::default()
        }
    }

    fn choice<'c>(&self, index: usize, part: &'c Part) -> Whole<'c> {
        let message::Message { thought, content, calls } = message::Message::of(&part.pieces);
        let call = |call: message::Call| Call {
            index: None,
            id: Some(call.id),
            kind: Some("function"),
            function: Function { name: Some(call.name), arguments: call.arguments },
        };
        // A message of calls alone says nothing.
        let says = calls.is_empty() || !content.is_empty();
        let message = Message {
            role: "assistant",
            content: says.then_some(content),
            thought: if thought.is_empty() { Thought::default() } else { Thought::of(thought, self.reasoning) },
            tool_calls: calls.into_iter().map(call).collect(),
            refusal: None,
        };
        let (finish_reason, stop_reason) = self.told.end(part);
        Whole { index, message, rest: Rest { finish_reason, stop_reason, ..self.tokens_of(part) } }
    }

    /// What a piece adds to the message of a choice.
    fn delta<'c>(&mut self, index: usize, piece: &'c Piece) -> Option<Delta<'c>> {
        if self.calls.len() <= index {
            self.calls.resize(index + 1, 0);
        }
        let count = &mut self.calls[index];
        let call = |call| Delta { tool_calls: vec![call], ..Delta::default() };
        Some(match piece {
            Piece::Thought(text) => Delta { thought: Thought::of(text.as_str(), self.reasoning), ..Delta::default() },
            Piece::Content(text) => Delta { content: Some(text), ..Delta::default() },
            Piece::Call { id, name } => {
                *count += 1;
                let function = Function { name: Some(name.as_str()), arguments: "" };
                call(Call { index: Some(*count - 1), id: Some(id), kind: Some("function"), function })
            }
            Piece::Arguments(text) => {
                let function = Function { name: None, arguments: text.as_str() };
                call(Call { index: Some(count.saturating_sub(1)), id: None, kind: None, function })
            }
            Piece::End => return None,
        })
    }

    fn event(&self, index: usize, delta: Delta<'_>, rest: Rest<'_>, usage: Usage, out: &mut Events) {
        self.told.event(CHUNK, Event { index, delta, rest }, usage, out);
    }
}

impl Form for ChatForm {
    fn part(&mut self, index: usize, part: &Part, usage: Usage, out: &mut Events) {
        if part.is_first {
            let delta = Delta { role: Some("assistant"), content: Some(""), ..Delta::default() };
            self.event(index, delta, Rest::default(), usage, out);
        }
        // The tokens of a part are told with its first piece.
        let mut rest = Some(self.tokens_of(part));
        for piece in &part.pieces {
            if let Some(delta) = self.delta(index, piece) {
                self.event(index, delta, rest.take().unwrap_or_default(), usage, out);
            }
        }
        if let Some(rest) = rest.filter(|_| !part.tokens.is_empty()) {
            self.event(index, Delta { content: Some(""), ..Delta::default() }, rest, usage, out);
        }
        if part.finish.is_some() {
            let (finish_reason, stop_reason) = self.told.end(part);
            let rest = Rest { finish_reason, stop_reason, ..Rest::default() };
            self.event(index, Delta::default(), rest, usage, out);
        }
    }

    fn end(&mut self, usage: Usage, timings: Timings, out: &mut Events) {
        self.told.last::<Event<'_>>(CHUNK, usage, timings, out);
    }

    fn fail(&mut self, error: &ApiError, out: &mut Events) {
        Told::fail(error, out);
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String {
        let choices = choices.iter().enumerate().map(|(index, part)| self.choice(index, part)).collect();
        self.told.end_of_all("chat.completion", choices, usage, timings)
    }
}
