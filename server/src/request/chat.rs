//! `POST /v1/chat/completions`. What does not belong here: fields that other endpoints have too, and how a conversation
//! is written down, which a model's template says.

use super::{Delivery, Ending, Limits, Sampling, Structured, Tools};
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// A conversation as a template is given it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// Objects with `role`, `content` and what else a template reads of a message.
    pub messages: Vec<Json>,
    /// The tools that the model may call.
    pub tools: Tools,
    /// `documents`, if there are.
    pub documents: Option<Json>,
    /// Whether the text ends where an answer begins.
    pub add_generation_prompt: bool,
    /// Whether the last message is to be continued.
    pub continue_final_message: bool,
    /// Further variables of the template.
    pub variables: Vec<(String, Json)>,
}

/// A conversation to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model that is asked, as the client names it.
    pub model: Option<String>,
    /// What was said.
    pub conversation: Conversation,
    /// Log-probabilities of each token and of so many of the likeliest.
    pub logprobs: Option<usize>,
    /// Whether what the model thinks is told.
    pub tells_thoughts: bool,
    /// Most tokens of a thought.
    pub thought_budget: Option<usize>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The form that answers have to have.
    pub structured: Option<Structured>,
    /// When answers end.
    pub ending: Ending,
    /// How they are sent.
    pub delivery: Delivery,
}

/// Most of the likeliest tokens.
const MOST_LOGPROBS: usize = 20;

/// Most messages.
const MOST_MESSAGES: usize = 4096;

/// The roles that a message may have.
const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

impl ChatRequest {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn read(fields: &mut Fields, limits: &Limits) -> Result<ChatRequest, ApiError> {
        let request = ChatRequest {
            model: fields.opt("model", Field::string)?,
            conversation: Conversation::read(fields)?,
            logprobs: logprobs(fields)?,
            tells_thoughts: fields.or("include_reasoning", true, Field::bool)?,
            thought_budget: None,
            sampling: Sampling::read(fields, limits)?,
            structured: Structured::read(fields)?,
            ending: Ending::read(fields, &["max_completion_tokens", "max_tokens", "n_predict"], limits)?,
            delivery: Delivery::read(fields, limits)?,
        };
        fields.refuse("skip_special_tokens", &Json::Bool(true), "control tokens are no part of an answer")?;
        fields.refuse("echo", &Json::Bool(false), "an answer is a message of its own: `/v1/completions` has it")?;
        fields.refuse("audio", &Json::Null, "answers are text")?;
        fields.opt("cache_prompt", Field::bool)?;
        if let Some(kinds) = fields.take("modalities") {
            let path = kinds.path().to_owned();
            if kinds.strings(8)?.iter().any(|kind| kind != "text") {
                return Err(ApiError::unsupported(&path, "answers are text"));
            }
        }
        Ok(request)
    }
}

fn logprobs(fields: &mut Fields) -> Result<Option<usize>, ApiError> {
    let wanted = fields.or("logprobs", false, Field::bool)?;
    let path = fields.path_of("top_logprobs");
    let best = fields.opt("top_logprobs", |field| field.integer(0..=MOST_LOGPROBS))?;
    match (wanted, best) {
        (false, Some(best)) if best > 0 => {
            Err(ApiError::wrong_value(&path, &best.to_string(), "`logprobs` to be true with it"))
        }
        (false, _) => Ok(None),
        (true, best) => Ok(Some(best.unwrap_or(0))),
    }
}

impl Conversation {
    /// A conversation that is answered, as APIs without more of it ask for.
    pub(super) fn answered(messages: Vec<Json>, tools: Tools, variables: Vec<(String, Json)>) -> Conversation {
        let (add_generation_prompt, continue_final_message) = (true, false);
        Conversation { messages, tools, documents: None, add_generation_prompt, continue_final_message, variables }
    }

    /// Takes the fields that a template is given.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields) -> Result<Conversation, ApiError> {
        let messages = fields.require("messages")?;
        match messages.value() {
            Json::Array(items) if items.is_empty() => return messages.out_of_range("at least one message"),
            Json::Array(items) if items.len() > MOST_MESSAGES => {
                return messages.out_of_range(&format!("at most {MOST_MESSAGES} messages"));
            }
            _ => {}
        }
        let continues = fields.or("continue_final_message", false, Field::bool)?;
        let mut conversation = Conversation {
            messages: messages.array()?.into_iter().map(message).collect::<Result<_, _>>()?,
            tools: Tools::read(fields)?,
            documents: fields
                .opt("documents", |field| Ok(Json::Array(field.array()?.into_iter().map(Field::json).collect())))?,
            add_generation_prompt: !continues,
            continue_final_message: continues,
            variables: fields.opt("chat_template_kwargs", Field::object)?.map(Fields::rest).unwrap_or_default(),
        };
        effort(fields, "reasoning_effort", &mut conversation.variables)?;
        if let Some(prompt) = fields.take("add_generation_prompt") {
            let path = prompt.path().to_owned();
            conversation.add_generation_prompt = prompt.bool()?;
            if continues && conversation.add_generation_prompt {
                return Err(ApiError::wrong_value(&path, "true", "false where `continue_final_message` is true"));
            }
        }
        Ok(conversation)
    }
}

/// Takes how much a model is to think.
pub(super) fn effort(fields: &mut Fields, name: &str, variables: &mut Vec<(String, Json)>) -> Result<(), ApiError> {
    let Some(effort) = fields.take(name) else { return Ok(()) };
    let effort = effort.one_of(&["none", "minimal", "low", "medium", "high", "xhigh"])?;
    variables.push(("reasoning_effort".to_owned(), Json::from(effort)));
    if effort == "none" {
        variables.push(("enable_thinking".to_owned(), Json::Bool(false)));
    }
    Ok(())
}

/// A message as a template is given it.
fn message(field: Field) -> Result<Json, ApiError> {
    let mut fields = field.object()?;
    fields.refuse("function_call", &Json::Null, "use `tool_calls`")?;
    let role = fields.require("role")?.one_of(&ROLES)?;
    let content_path = fields.path_of("content");
    let content = fields.opt("content", text_of)?;
    let mut message = vec![("role".to_owned(), Json::from(if role == "function" { "tool" } else { role }))];
    let calls = fields.opt("tool_calls", tool_calls)?;
    match content {
        Some(text) => message.push(("content".to_owned(), Json::String(text))),
        None if role == "assistant" => message.push(("content".to_owned(), Json::from(""))),
        None => {
            let error = ApiError::bad("missing_required_parameter", format!("`{content_path}` is missing"));
            return Err(error.at(&content_path));
        }
    }
    if let Some(calls) = calls {
        message.push(("tool_calls".to_owned(), Json::Array(calls)));
    }
    for name in ["name", "tool_call_id"] {
        if let Some(text) = fields.opt(name, Field::string)? {
            message.push((name.to_owned(), Json::String(text)));
        }
    }
    // One thing under two names; clients send back what they were sent.
    let thoughts = [fields.opt("reasoning_content", Field::string)?, fields.opt("reasoning", Field::string)?];
    let thought = thoughts.into_iter().flatten().next();
    message.extend(thought.map(|text| ("reasoning_content".to_owned(), Json::String(text))));
    Ok(Json::Object(message))
}

/// The text of a content: itself, or that of its parts.
pub(super) fn text_of(field: Field) -> Result<String, ApiError> {
    match field.value() {
        Json::String(_) => field.string(),
        Json::Array(_) => field.array()?.into_iter().map(part).collect(),
        _ => field.expected("a string or an array of parts"),
    }
}

fn part(field: Field) -> Result<String, ApiError> {
    let mut fields = field.object()?;
    let kind = fields.require("type")?;
    let path = kind.path().to_owned();
    match kind.string()?.as_str() {
        "text" | "input_text" | "output_text" => fields.require("text")?.string(),
        "refusal" => fields.require("refusal")?.string(),
        other => {
            let expected = "a part of text: models here read nothing else";
            Err(ApiError::wrong_value(&path, &Json::from(other).to_string(), expected))
        }
    }
}

/// Calls that an assistant has made, with their arguments as objects where they are JSON.
pub(super) fn tool_calls(field: Field) -> Result<Vec<Json>, ApiError> {
    let call = |field: Field| {
        let mut fields = field.object()?;
        let id = fields.opt("id", Field::string)?;
        fields.opt("type", |field| field.one_of(&["function"]))?;
        let mut function = fields.require("function")?.object()?;
        let name = function.require("name")?.string()?;
        let arguments = match function.take("arguments") {
            None => Json::Object(Vec::new()),
            Some(field) => match field.value() {
                Json::Object(_) => field.json(),
                Json::String(text) => Json::of_text(text.clone()),
                _ => return field.expected("a string with a JSON object"),
            },
        };
        let function = vec![("name".to_owned(), Json::String(name)), ("arguments".to_owned(), arguments)];
        let mut call =
            vec![("type".to_owned(), Json::from("function")), ("function".to_owned(), Json::Object(function))];
        call.extend(id.map(|id| ("id".to_owned(), Json::String(id))));
        Ok(Json::Object(call))
    };
    field.array()?.into_iter().map(call).collect()
}
