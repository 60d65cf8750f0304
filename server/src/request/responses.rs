//! `POST /v1/responses`: a conversation in the items of that API. What does not belong here: what is stored between
//! requests, which is nothing.

use super::chat::{ChatRequest, Conversation, text_of};
use super::structure::flat_format;
use super::{Delivery, Ending, Limits, Sampling, Tools};
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// A conversation, and the fields that a response repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponsesRequest {
    /// What is to be answered.
    pub chat: ChatRequest,
    /// Fields of the response that are those of the request, with what holds where there were none.
    pub repeated: Vec<(String, Json)>,
}

/// Fields that only a server with a memory has.
const STORED: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

impl ResponsesRequest {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn read(fields: &mut Fields, limits: &Limits) -> Result<ResponsesRequest, ApiError> {
        for name in STORED {
            fields.refuse(name, &Json::Null, "nothing is stored between requests: send the whole conversation")?;
        }
        fields.refuse("background", &Json::Bool(false), "an answer is sent to who asks for it")?;
        fields.refuse("truncation", &Json::from("disabled"), "nothing of a conversation is left out")?;
        fields.refuse(
            "max_tool_calls",
            &Json::Null,
            "calls are those of the model: `parallel_tool_calls` allows one",
        )?;
        fields.refuse("top_logprobs", &Json::from_integer(0), "`/v1/chat/completions` has log-probabilities")?;
        if let Some(include) = fields.take("include") {
            let path = include.path().to_owned();
            if include.strings(64)?.iter().any(|name| name == "message.output_text.logprobs") {
                return Err(ApiError::unsupported(&path, "`/v1/chat/completions` has log-probabilities"));
            }
        }
        let mut repeated = repeated(fields);
        let instructions = fields.opt("instructions", Field::string)?;
        let mut messages = Vec::new();
        messages.extend(instructions.map(|text| said("system", text)));
        input(fields.require("input")?, &mut messages)?;
        let tools = Tools::read_flat(fields)?;
        let mut variables = Vec::new();
        if let Some(reasoning) = fields.take("reasoning") {
            let mut reasoning = reasoning.object()?;
            super::chat::effort(&mut reasoning, "effort", &mut variables)?;
        }
        let structured = match fields.take("text") {
            Some(text) => text.object()?.opt("format", flat_format)?.flatten(),
            None => None,
        };
        let delivery = Delivery { n: 1, stream: fields.or("stream", false, Field::bool)?, ..Delivery::default() };
        fields.opt("stream_options", Field::object)?;
        fields.opt("store", Field::bool)?;
        let sampling = Sampling::read(fields, limits)?;
        for (name, value) in [("temperature", sampling.temperature), ("top_p", sampling.top_p)] {
            repeated.push((name.to_owned(), Json::from_number(value)));
        }
        let chat = ChatRequest {
            model: fields.opt("model", Field::string)?,
            conversation: Conversation::answered(messages, tools, variables),
            logprobs: None,
            tells_thoughts: true,
            thought_budget: None,
            sampling,
            structured,
            ending: Ending::read(fields, &["max_output_tokens"], limits)?,
            delivery,
        };
        Ok(ResponsesRequest { chat, repeated })
    }
}

/// The fields that a response repeats as they are.
fn repeated(fields: &Fields) -> Vec<(String, Json)> {
    let object = |fields: &[(&str, Json)]| {
        Json::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let text = object(&[("format", object(&[("type", Json::from("text"))]))]);
    let defaults = [
        ("instructions", Json::Null),
        ("metadata", object(&[])),
        ("parallel_tool_calls", Json::Bool(true)),
        ("tool_choice", Json::from("auto")),
        ("tools", Json::Array(Vec::new())),
        ("max_output_tokens", Json::Null),
        ("reasoning", object(&[("effort", Json::Null), ("summary", Json::Null)])),
        ("text", text),
        ("user", Json::Null),
    ];
    let found = |name: &str| fields.peek(name).filter(|value| **value != Json::Null).cloned();
    defaults.into_iter().map(|(name, default)| (name.to_owned(), found(name).unwrap_or(default))).collect()
}

fn said(role: &str, text: String) -> Json {
    Json::Object(vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::String(text))])
}

/// The messages of an input: a text, or items.
fn input(field: Field, messages: &mut Vec<Json>) -> Result<(), ApiError> {
    match field.value() {
        Json::String(_) => messages.push(said("user", field.string()?)),
        Json::Array(items) if items.is_empty() => return field.out_of_range("at least one item"),
        Json::Array(_) => {
            let mut thought = None;
            for item in field.array()? {
                take_item(item, messages, &mut thought)?;
            }
        }
        _ => return field.expected("a string or an array of items"),
    }
    Ok(())
}

/// Takes an item; a thought belongs to what the model says or calls next.
fn take_item(field: Field, messages: &mut Vec<Json>, thought: &mut Option<String>) -> Result<(), ApiError> {
    let mut item = field.object()?;
    let kinds = ["message", "function_call", "function_call_output", "reasoning"];
    match item.opt("type", |kind| kind.one_of(&kinds))?.unwrap_or("message") {
        "message" => {
            let role = item.require("role")?.one_of(&["user", "assistant", "system", "developer"])?;
            let text = item.require("content").and_then(text_of)?;
            let mut message = vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::String(text))];
            if role == "assistant" {
                message.extend(thought.take().map(|text| ("reasoning_content".to_owned(), Json::String(text))));
            }
            messages.push(Json::Object(message));
        }
        "function_call" => {
            let id = item.require("call_id")?.string()?;
            let name = item.require("name")?.string()?;
            let arguments = item.require("arguments")?.string()?;
            call(messages, id, name, Json::of_text(arguments), thought.take());
        }
        "function_call_output" => {
            let id = item.require("call_id")?.string()?;
            let text = item.require("output").and_then(text_of)?;
            result(messages, id, text);
        }
        _ => {
            let parts = item.opt("content", Field::array)?.unwrap_or_default();
            let mut text = String::new();
            for part in parts {
                text += &part.object()?.require("text")?.string()?;
            }
            *thought = Some(text).filter(|text| !text.is_empty());
        }
    }
    Ok(())
}

/// Adds a call to what the assistant said last, or a message of its own.
pub fn call(messages: &mut Vec<Json>, id: String, name: String, arguments: Json, thought: Option<String>) {
    let call = Json::Object(vec![
        ("id".to_owned(), Json::String(id)),
        ("type".to_owned(), Json::from("function")),
        (
            "function".to_owned(),
            Json::Object(vec![("name".to_owned(), Json::String(name)), ("arguments".to_owned(), arguments)]),
        ),
    ]);
    let is_assistant = |message: &&mut Json| message.get("role").and_then(Json::as_str) == Some("assistant");
    match messages.last_mut().filter(|message| thought.is_none() && is_assistant(message)) {
        Some(Json::Object(fields)) => match fields.iter_mut().find(|(name, _)| name == "tool_calls") {
            Some((_, Json::Array(calls))) => calls.push(call),
            _ => fields.push(("tool_calls".to_owned(), Json::Array(vec![call]))),
        },
        _ => {
            let mut message =
                vec![("role".to_owned(), Json::from("assistant")), ("content".to_owned(), Json::from(""))];
            message.extend(thought.map(|text| ("reasoning_content".to_owned(), Json::String(text))));
            message.push(("tool_calls".to_owned(), Json::Array(vec![call])));
            messages.push(Json::Object(message));
        }
    }
}

/// Adds what a call has brought.
pub fn result(messages: &mut Vec<Json>, id: String, text: String) {
    messages.push(Json::Object(vec![
        ("role".to_owned(), Json::from("tool")),
        ("tool_call_id".to_owned(), Json::String(id)),
        ("content".to_owned(), Json::String(text)),
    ]));
}
