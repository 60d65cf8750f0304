//! Answers of `/api/chat` and `/api/generate`: a document on each line. What does not belong here: what tells thoughts
//! and calls apart (`message.rs`).

use super::choices::Part;
use super::message::{Call, Message, Piece};
use super::usage::{Timings, Usage};
use super::{Events, Form, Heading, Media, finish_reason, to_line};
use crate::error::ApiError;
use crate::time::rfc3339;
use serde_json::{Value, json};

/// Writes an answer down.
#[derive(Debug)]
pub struct OllamaForm {
    heading: Heading,
    is_chat: bool,
    /// The call that is in the making: calls come whole.
    call: Option<Call>,
    reason: &'static str,
}

impl OllamaForm {
    /// Of `/api/chat`, or of `/api/generate`.
    pub fn new(heading: Heading, is_chat: bool) -> OllamaForm {
        OllamaForm { heading, is_chat, call: None, reason: "stop" }
    }

    /// A document with this much of the answer.
    fn document(&self, content: &str, thought: &str, calls: &[Call]) -> Value {
        let mut document = json!({"model": self.heading.model, "created_at": rfc3339()});
        let calls: Vec<Value> = calls.iter().map(call_json).collect();
        if self.is_chat {
            document["message"] = json!({"role": "assistant", "content": content});
        } else {
            document["response"] = json!(content);
        }
        let at = if self.is_chat { &mut document["message"] } else { &mut document };
        if !thought.is_empty() {
            at["thinking"] = json!(thought);
        }
        if !calls.is_empty() {
            at["tool_calls"] = json!(calls);
        }
        document["done"] = json!(false);
        document
    }

    fn piece(&mut self, piece: &Piece, out: &mut Events) {
        let document = match piece {
            Piece::Thought(text) => self.document("", text, &[]),
            Piece::Content(text) => self.document(text, "", &[]),
            Piece::Call { id, name } => {
                self.call = Some(Call { id: id.clone(), name: name.clone(), arguments: String::new() });
                return;
            }
            Piece::Arguments(text) => {
                if let Some(call) = &mut self.call {
                    call.arguments += text;
                }
                return;
            }
            Piece::End => match self.call.take() {
                Some(call) => self.document("", "", &[call]),
                None => return,
            },
        };
        out.line(&to_line(&document));
    }

    fn finished(&self, mut document: Value, usage: Usage, timings: Timings) -> Value {
        document["done"] = json!(true);
        document["done_reason"] = json!(self.reason);
        let [prompt, predicted, total] = timings.nanoseconds();
        for (name, value) in [
            ("total_duration", total),
            ("load_duration", 0),
            ("prompt_eval_count", usage.prompt_tokens as u64),
            ("prompt_eval_duration", prompt),
            ("eval_count", usage.completion_tokens as u64),
            ("eval_duration", predicted),
        ] {
            document[name] = json!(value);
        }
        document
    }
}

/// A call; its arguments are an object.
fn call_json(call: &Call) -> Value {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
    json!({"id": call.id, "function": {"name": call.name, "arguments": arguments}})
}

impl Form for OllamaForm {
    fn media(&self) -> Media {
        Media::Lines
    }

    fn part(&mut self, _index: usize, part: &Part, _usage: Usage, out: &mut Events) {
        part.pieces.iter().for_each(|piece| self.piece(piece, out));
        if let Some(finish) = &part.finish {
            self.reason = finish_reason(finish);
        }
    }

    fn end(&mut self, usage: Usage, timings: Timings, out: &mut Events) {
        out.line(&to_line(&self.finished(self.document("", "", &[]), usage, timings)));
    }

    fn fail(&mut self, error: &ApiError, out: &mut Events) {
        out.line(&to_line(&json!({"error": error.message})));
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String {
        let Some(part) = choices.first() else { return String::new() };
        self.reason = part.finish.as_ref().map_or("stop", finish_reason);
        let Message { thought, content, calls } = Message::of(&part.pieces);
        to_line(&self.finished(self.document(&content, &thought, &calls), usage, timings))
    }
}
