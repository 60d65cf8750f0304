//! Answers of `/v1/responses`: items, and the events in which they come. What does not belong here: what tells thoughts
//! and calls apart (`message.rs`).

use super::choices::Part;
use super::message::Piece;
use super::usage::{Timings, Usage};
use super::{Events, Form, Heading, finish_reason, to_line};
use crate::error::ApiError;
use crate::id;
use crate::json::Json;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use trine::model::Finish;

/// Writes a response down.
#[derive(Debug)]
pub struct ResponsesForm {
    heading: Heading,
    /// Fields of the request.
    repeated: Vec<(String, Json)>,
    items: Vec<Item>,
    /// Whether the last item goes on.
    is_open: bool,
    sequence: usize,
    is_cut: bool,
}

/// An item of a response.
#[derive(Debug)]
struct Item {
    kind: Kind,
    id: String,
    /// A thought, what is said, or the arguments of a call.
    text: String,
}

#[derive(Debug)]
enum Kind {
    Reasoning,
    Message,
    Call { id: String, name: String },
}

impl Item {
    fn json(&self, status: &str) -> Value {
        let (id, text) = (&self.id, &self.text);
        let is_empty = status == "in_progress";
        let content = |part: Value| if is_empty { json!([]) } else { json!([part]) };
        match &self.kind {
            Kind::Reasoning => {
                let content = content(json!({"type": "reasoning_text", "text": text}));
                json!({"id": id, "type": "reasoning", "status": status, "summary": [], "content": content})
            }
            Kind::Message => {
                let content = content(text_part(text));
                json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": content})
            }
            Kind::Call { id: call_id, name } => {
                let arguments = if is_empty { "" } else { text };
                json!({"id": id, "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments,
                       "status": status})
            }
        }
    }
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

impl ResponsesForm {
    /// For a request with these fields.
    pub fn new(heading: Heading, repeated: Vec<(String, Json)>) -> ResponsesForm {
        ResponsesForm { heading, repeated, items: Vec::new(), is_open: false, sequence: 0, is_cut: false }
    }

    /// The response, with so many tokens where it has ended.
    fn response(&self, status: &str, usage: Option<Usage>, error: Option<&ApiError>) -> Value {
        let Heading { id, created, model, .. } = &self.heading;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let mut response = json!({
            "id": id, "object": "response", "created_at": *created as f64, "status": status,
            "completed_at": usage.map(|_| now.floor()),
            "error": error.map(|error| json!({"code": "server_error", "message": error.message})),
            "incomplete_details": (status == "incomplete").then(|| json!({"reason": "max_output_tokens"})),
            "model": model, "previous_response_id": null, "truncation": "disabled", "store": false,
            "background": false, "top_logprobs": 0,
            "output": if usage.is_some() { self.output() } else { Vec::new() },
            "usage": usage.map(|usage| json!({
                "input_tokens": usage.prompt_tokens,
                "input_tokens_details": {"cached_tokens": usage.cached(), "cache_write_tokens": 0},
                "output_tokens": usage.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": usage.reasoning()},
                "total_tokens": usage.total_tokens,
            })),
        });
        for (name, value) in &self.repeated {
            response[name.as_str()] = serde_json::to_value(value).unwrap_or_default();
        }
        response
    }

    fn output(&self) -> Vec<Value> {
        let last = self.items.len().saturating_sub(1);
        let status = |at: usize| if self.is_cut && at == last { "incomplete" } else { "completed" };
        self.items.iter().enumerate().map(|(at, item)| item.json(status(at))).collect()
    }

    fn event(&mut self, name: &str, mut fields: Value, out: &mut Events) {
        fields["type"] = json!(name);
        fields["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        out.named(name, &to_line(&fields));
    }

    /// An event about the last item.
    fn of_item(&mut self, name: &str, mut fields: Value, out: &mut Events) {
        fields["output_index"] = json!(self.items.len().saturating_sub(1));
        if let Some(item) = self.items.last() {
            fields["item_id"] = json!(item.id);
        }
        self.event(name, fields, out);
    }

    /// Begins an item, behind the one before it.
    fn open(&mut self, kind: Kind, out: &mut Events) {
        self.close("completed", out);
        let prefix = match kind {
            Kind::Reasoning => "rs_",
            Kind::Message => "msg_",
            Kind::Call { .. } => "fc_",
        };
        let item = Item { kind, id: id::new(prefix), text: String::new() };
        let (added, is_message) = (item.json("in_progress"), matches!(item.kind, Kind::Message));
        self.items.push(item);
        self.is_open = true;
        self.of_item("response.output_item.added", json!({"item": added}), out);
        if is_message {
            self.of_item("response.content_part.added", json!({"content_index": 0, "part": text_part("")}), out);
        }
    }

    /// Ends the last item.
    fn close(&mut self, status: &str, out: &mut Events) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let Some(item) = self.items.last() else { return };
        let (text, done) = (item.text.clone(), item.json(status));
        match &item.kind {
            Kind::Reasoning => {
                self.of_item("response.reasoning_text.done", json!({"content_index": 0, "text": text}), out);
            }
            Kind::Message => {
                let fields = json!({"content_index": 0, "text": text, "logprobs": []});
                self.of_item("response.output_text.done", fields, out);
                let fields = json!({"content_index": 0, "part": text_part(&text)});
                self.of_item("response.content_part.done", fields, out);
            }
            Kind::Call { name, .. } => {
                let fields = json!({"arguments": text, "name": name});
                self.of_item("response.function_call_arguments.done", fields, out);
            }
        }
        self.of_item("response.output_item.done", json!({"item": done}), out);
    }

    fn add(&mut self, name: &str, text: &str, mut fields: Value, out: &mut Events) {
        if let Some(item) = self.items.last_mut() {
            item.text += text;
        }
        fields["delta"] = json!(text);
        self.of_item(name, fields, out);
    }

    fn piece(&mut self, piece: &Piece, out: &mut Events) {
        let last = self.items.last().filter(|_| self.is_open).map(|item| &item.kind);
        match piece {
            Piece::Thought(text) => {
                if !matches!(last, Some(Kind::Reasoning)) {
                    self.open(Kind::Reasoning, out);
                }
                self.add("response.reasoning_text.delta", text, json!({"content_index": 0}), out);
            }
            Piece::Content(text) => {
                if !matches!(last, Some(Kind::Message)) {
                    self.open(Kind::Message, out);
                }
                self.add("response.output_text.delta", text, json!({"content_index": 0, "logprobs": []}), out);
            }
            Piece::Call { id, name } => self.open(Kind::Call { id: id.clone(), name: name.clone() }, out),
            Piece::Arguments(text) => self.add("response.function_call_arguments.delta", text, json!({}), out),
            Piece::End => self.close("completed", out),
        }
    }

    fn take(&mut self, part: &Part, out: &mut Events) {
        part.pieces.iter().for_each(|piece| self.piece(piece, out));
        let Some(finish) = &part.finish else { return };
        self.is_cut = finish_reason(finish) == "length" || matches!(finish, Finish::MaxTokens);
        if self.items.is_empty() {
            self.open(Kind::Message, out);
        }
        self.close(self.status(), out);
    }

    fn status(&self) -> &'static str {
        if self.is_cut { "incomplete" } else { "completed" }
    }
}

impl Form for ResponsesForm {
    fn begin(&mut self, _usage: Usage, out: &mut Events) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.response("in_progress", None, None);
            self.event(name, json!({"response": response}), out);
        }
    }

    fn part(&mut self, _index: usize, part: &Part, _usage: Usage, out: &mut Events) {
        self.take(part, out);
    }

    fn end(&mut self, usage: Usage, _timings: Timings, out: &mut Events) {
        let status = self.status();
        let response = self.response(status, Some(usage), None);
        self.event(&format!("response.{status}"), json!({"response": response}), out);
    }

    fn fail(&mut self, error: &ApiError, out: &mut Events) {
        let response = self.response("failed", None, Some(error));
        self.event("response.failed", json!({"response": response}), out);
        let fields = json!({"code": error.code, "message": error.message, "param": error.param});
        self.event("error", fields, out);
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, _timings: Timings) -> String {
        choices.iter().for_each(|part| self.take(part, &mut Events::default()));
        to_line(&self.response(self.status(), Some(usage), None))
    }
}
