//! Answers of `/v1/messages`: blocks of content, and the events in which they come. What does not belong here: what
//! tells thoughts and calls apart (`message.rs`).

use super::choices::Part;
use super::message::{Message, Piece};
use super::usage::{Timings, Usage};
use super::{Events, Form, Heading, finish_reason, to_line};
use crate::error::ApiError;
use serde_json::{Value, json};
use trine::model::Finish;

/// Writes a message down.
#[derive(Debug)]
pub struct MessagesForm {
    heading: Heading,
    /// Blocks that have begun.
    blocks: usize,
    open: Option<Block>,
    stop: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Thinking,
    Text,
    Call,
}

/// An error as that API writes it.
pub fn error_json(error: &ApiError) -> Value {
    let kind = match error.status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": error.message}})
}

impl MessagesForm {
    /// For a message that begins like this.
    pub fn new(heading: Heading) -> MessagesForm {
        MessagesForm { heading, blocks: 0, open: None, stop: Value::Null }
    }

    fn message(&self, content: Vec<Value>, stop: &Value, usage: Usage) -> Value {
        let Heading { id, model, .. } = &self.heading;
        json!({
            "id": id, "type": "message", "role": "assistant", "model": model, "content": content,
            "stop_reason": stop["stop_reason"], "stop_sequence": stop["stop_sequence"], "usage": usage_json(usage),
        })
    }

    /// Begins a block, behind the one before it.
    fn open(&mut self, block: Block, content: &Value, out: &mut Events) {
        self.close(out);
        let fields = json!({"type": "content_block_start", "index": self.blocks, "content_block": content});
        out.named("content_block_start", &to_line(&fields));
        (self.open, self.blocks) = (Some(block), self.blocks + 1);
    }

    fn close(&mut self, out: &mut Events) {
        if self.open.take().is_some() {
            let fields = json!({"type": "content_block_stop", "index": self.blocks - 1});
            out.named("content_block_stop", &to_line(&fields));
        }
    }

    fn delta(&self, delta: &Value, out: &mut Events) {
        let fields = json!({"type": "content_block_delta", "index": self.blocks.saturating_sub(1), "delta": delta});
        out.named("content_block_delta", &to_line(&fields));
    }

    fn piece(&mut self, piece: &Piece, out: &mut Events) {
        match piece {
            Piece::Thought(text) => {
                if self.open != Some(Block::Thinking) {
                    self.open(Block::Thinking, &json!({"type": "thinking", "thinking": "", "signature": ""}), out);
                }
                self.delta(&json!({"type": "thinking_delta", "thinking": text}), out);
            }
            Piece::Content(text) => {
                if self.open != Some(Block::Text) {
                    self.open(Block::Text, &json!({"type": "text", "text": ""}), out);
                }
                self.delta(&json!({"type": "text_delta", "text": text}), out);
            }
            Piece::Call { id, name } => {
                self.open(Block::Call, &json!({"type": "tool_use", "id": id, "name": name, "input": {}}), out);
            }
            Piece::Arguments(text) => self.delta(&json!({"type": "input_json_delta", "partial_json": text}), out),
            Piece::End => self.close(out),
        }
    }
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens - usage.cached(), "cache_read_input_tokens": usage.cached(),
        "cache_creation_input_tokens": 0, "output_tokens": usage.completion_tokens,
    })
}

/// Why a message ended.
fn stop_of(part: &Part) -> Value {
    let reason = |finish: &Finish| match finish {
        Finish::StopString(_) => "stop_sequence",
        finish if finish_reason(finish) == "length" => "max_tokens",
        _ if part.has_calls => "tool_use",
        _ => "end_turn",
    };
    let sequence = match &part.finish {
        Some(Finish::StopString(text)) => Some(text),
        _ => None,
    };
    json!({"stop_reason": part.finish.as_ref().map(reason), "stop_sequence": sequence})
}

/// The blocks of a whole message.
fn blocks(part: &Part) -> Vec<Value> {
    let Message { thought, content, calls } = Message::of(&part.pieces);
    let mut blocks = Vec::new();
    if !thought.is_empty() {
        blocks.push(json!({"type": "thinking", "thinking": thought, "signature": ""}));
    }
    if !content.is_empty() || (calls.is_empty() && blocks.is_empty()) {
        blocks.push(json!({"type": "text", "text": content}));
    }
    for call in calls {
        // What a model has not written to its end is no object.
        let input = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        blocks.push(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input}));
    }
    blocks
}

impl Form for MessagesForm {
    fn begin(&mut self, usage: Usage, out: &mut Events) {
        let message = self.message(Vec::new(), &json!({}), usage);
        out.named("message_start", &to_line(&json!({"type": "message_start", "message": message})));
    }

    fn part(&mut self, _index: usize, part: &Part, _usage: Usage, out: &mut Events) {
        part.pieces.iter().for_each(|piece| self.piece(piece, out));
        if part.finish.is_some() {
            self.close(out);
            self.stop = stop_of(part);
        }
    }

    fn end(&mut self, usage: Usage, _timings: Timings, out: &mut Events) {
        let delta = json!({"type": "message_delta", "delta": self.stop, "usage": usage_json(usage)});
        out.named("message_delta", &to_line(&delta));
        out.named("message_stop", "{\"type\":\"message_stop\"}");
    }

    fn fail(&mut self, error: &ApiError, out: &mut Events) {
        out.named("error", &to_line(&error_json(error)));
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, _timings: Timings) -> String {
        let part = choices.first();
        let (content, stop) = part.map_or_else(|| (Vec::new(), json!({})), |part| (blocks(part), stop_of(part)));
        to_line(&self.message(content, &stop, usage))
    }
}
