//! `POST /v1/messages`, the form of Anthropic's API. What does not belong here: how answers are written (`answer`).

use super::chat::{ChatRequest, Conversation};
use super::responses::{call, result};
use super::structure::{Structured, flat_format};
use super::{Delivery, Ending, Limits, Sampling, ToolDefinition, Tools};
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// A conversation in the form of that API.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesRequest(pub ChatRequest);

/// Most texts that end an answer.
const MOST_STOPS: usize = 16;

impl MessagesRequest {
    /// Takes the fields; `counts` says that the conversation is counted and not answered.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn read(fields: &mut Fields, limits: &Limits, counts: bool) -> Result<MessagesRequest, ApiError> {
        let mut messages = Vec::new();
        if let Some(system) = fields.opt("system", text_of)? {
            messages.push(said("system", system));
        }
        let said = fields.require("messages")?;
        if matches!(said.value(), Json::Array(items) if items.is_empty()) {
            return said.out_of_range("at least one message");
        }
        for message in said.array()? {
            take_message(message, &mut messages)?;
        }
        let (mut variables, mut budget) = (Vec::new(), None);
        if let Some(thinking) = fields.take("thinking") {
            let mut thinking = thinking.object()?;
            let kind = thinking.require("type")?.one_of(&["enabled", "disabled", "adaptive"])?;
            variables.push(("enable_thinking".to_owned(), Json::Bool(kind != "disabled")));
            budget = thinking.opt("budget_tokens", |field| field.integer(1..=limits.context))?;
        }
        let structured = form(fields)?;
        for name in ["container", "mcp_servers", "context_management"] {
            fields.refuse(name, &Json::Null, "this server runs a model alone")?;
        }
        let conversation = Conversation::answered(messages, tools(fields)?, variables);
        let stop = fields.or("stop_sequences", Vec::new(), |field| field.strings(MOST_STOPS))?;
        let mut ending = Ending::read(fields, &["max_tokens"], limits)?;
        if ending.max_tokens.is_none() && !counts {
            let error = ApiError::bad("missing_required_parameter", "`max_tokens` is missing");
            return Err(error.at("max_tokens"));
        }
        ending.stop.extend(stop.into_iter().filter(|text| !text.is_empty()));
        let stream = fields.or("stream", false, Field::bool)?;
        Ok(MessagesRequest(ChatRequest {
            model: fields.opt("model", Field::string)?,
            conversation,
            logprobs: None,
            tells_thoughts: true,
            thought_budget: budget,
            sampling: Sampling::read(fields, limits)?,
            structured,
            ending,
            delivery: Delivery { n: 1, stream, ..Delivery::default() },
        }))
    }
}

/// The form of the answer, under either of its names.
fn form(fields: &mut Fields) -> Result<Option<Structured>, ApiError> {
    let old = fields.opt("output_format", flat_format)?.flatten();
    let new = match fields.take("output_config") {
        Some(config) => config.object()?.opt("format", flat_format)?.flatten(),
        None => None,
    };
    Ok(new.or(old))
}

fn said(role: &str, text: String) -> Json {
    Json::Object(vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::String(text))])
}

/// A text, or the texts of blocks.
fn text_of(field: Field) -> Result<String, ApiError> {
    match field.value() {
        Json::String(_) => field.string(),
        Json::Array(_) => field.array()?.into_iter().map(text_block).collect(),
        _ => field.expected("a string or an array of blocks"),
    }
}

fn text_block(field: Field) -> Result<String, ApiError> {
    let mut block = field.object()?;
    block.require("type")?.one_of(&["text"])?;
    block.require("text")?.string()
}

/// Adds what a message says, thinks and calls, and what calls have brought.
fn take_message(field: Field, messages: &mut Vec<Json>) -> Result<(), ApiError> {
    let mut message = field.object()?;
    let role = message.require("role")?.one_of(&["user", "assistant", "system"])?;
    let content = message.require("content")?;
    if let Json::String(_) = content.value() {
        messages.push(said(role, content.string()?));
        return Ok(());
    }
    let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for block in content.array()? {
        let mut block = block.object()?;
        let kinds: &[&'static str] = match role {
            "assistant" => &["text", "thinking", "redacted_thinking", "tool_use"],
            "user" => &["text", "tool_result"],
            _ => &["text"],
        };
        match block.require("type")?.one_of(kinds)? {
            "text" => text += &block.require("text")?.string()?,
            "thinking" => thought += &block.require("thinking")?.string()?,
            "tool_use" => {
                let (id, name) = (block.require("id")?.string()?, block.require("name")?.string()?);
                let input = block.require("input")?;
                if !matches!(input.value(), Json::Object(_)) {
                    return input.expected("an object");
                }
                calls.push((id, name, input.json()));
            }
            "tool_result" => {
                let id = block.require("tool_use_id")?.string()?;
                let brought = block.opt("content", text_of)?.unwrap_or_default();
                block.opt("is_error", Field::bool)?;
                result(messages, id, brought);
            }
            // What was hidden stays so.
            _ => {}
        }
    }
    if role != "user" || !text.is_empty() {
        let mut fields = vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::String(text))];
        if !thought.is_empty() {
            fields.push(("reasoning_content".to_owned(), Json::String(thought)));
        }
        messages.push(Json::Object(fields));
    }
    calls.into_iter().for_each(|(id, name, input)| call(messages, id, name, input, None));
    Ok(())
}

fn tools(fields: &mut Fields) -> Result<Tools, ApiError> {
    let mut list = Vec::new();
    for tool in fields.opt("tools", Field::array)?.unwrap_or_default() {
        let mut tool = tool.object()?;
        tool.opt("type", |kind| kind.one_of(&["custom"]))?;
        let param = tool.path_of("input_schema");
        let name = tool.require("name")?.string()?;
        let description = tool.opt("description", Field::string)?;
        let schema = tool.require("input_schema")?;
        if !matches!(schema.value(), Json::Object(_)) {
            return schema.expected("an object");
        }
        let strict = tool.or("strict", false, Field::bool)?;
        list.push(ToolDefinition::new(name, description, Some(schema.json()), strict, &param));
    }
    let mut tools = Tools { list, choice_param: "tool_choice".to_owned(), parallel: true, ..Tools::default() };
    if let Some(choice) = fields.take("tool_choice") {
        let mut choice = choice.object()?;
        tools.parallel = !choice.or("disable_parallel_tool_use", false, Field::bool)?;
        match choice.require("type")?.one_of(&["auto", "any", "tool", "none"])? {
            "any" => tools.mode("required")?,
            "tool" => {
                let name = choice.require("name")?.string()?;
                tools.name(name)?;
            }
            mode => tools.mode(mode)?,
        }
    }
    Ok(tools)
}
