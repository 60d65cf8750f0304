//! `POST /api/chat` and `/api/generate`, the form of Ollama's API. What does not belong here: how answers are written
//! (`answer`).

use super::chat::{ChatRequest, Conversation, text_of, tool_calls};
use super::structure::{Structure, Structured, schema};
use super::{Delivery, Ending, Limits, Sampling, ToolDefinition, Tools};
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum OllamaRequest {
    /// An answer to a conversation.
    Chat(Box<ChatRequest>),
    /// The text behind a prompt, without a template.
    Raw {
        /// The prompt.
        prompt: String,
        /// What else is asked: its conversation is empty.
        chat: Box<ChatRequest>,
    },
    /// Nothing but that the model be there.
    Load {
        /// The model, as the client names it.
        model: Option<String>,
    },
}

impl OllamaRequest {
    /// The model that is asked, as the client names it.
    pub fn model(&self) -> Option<&str> {
        match self {
            OllamaRequest::Chat(chat) | OllamaRequest::Raw { chat, .. } => chat.model.as_deref(),
            OllamaRequest::Load { model } => model.as_deref(),
        }
    }

    /// Takes the fields of `/api/chat`.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn chat(fields: &mut Fields, limits: &Limits) -> Result<OllamaRequest, ApiError> {
        let mut messages = Vec::new();
        for message in fields.opt("messages", Field::array)?.unwrap_or_default() {
            messages.push(take_message(message)?);
        }
        let list = fields.opt("tools", Field::array)?.unwrap_or_default();
        let list = list.into_iter().map(tool).collect::<Result<_, _>>()?;
        let tools = Tools { list, parallel: true, choice_param: "tools".to_owned(), ..Tools::default() };
        let is_empty = messages.is_empty();
        let chat = request(fields, limits, messages, tools)?;
        Ok(if is_empty { OllamaRequest::Load { model: chat.model } } else { OllamaRequest::Chat(Box::new(chat)) })
    }

    /// Takes the fields of `/api/generate`.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn generate(fields: &mut Fields, limits: &Limits) -> Result<OllamaRequest, ApiError> {
        fields.refuse("suffix", &Json::from(""), "this vocabulary has no tokens for the middle of a text")?;
        fields.refuse("template", &Json::from(""), "the template is that of the model")?;
        fields.refuse("context", &Json::Array(Vec::new()), "use `/api/chat` and send the whole conversation")?;
        fields.refuse("images", &Json::Array(Vec::new()), "models here read text")?;
        let prompt = fields.or("prompt", String::new(), Field::string)?;
        let system = fields.or("system", String::new(), Field::string)?;
        let raw = fields.or("raw", false, Field::bool)?;
        let mut messages = Vec::new();
        if !system.is_empty() {
            messages.push(said("system", &system));
        }
        messages.push(said("user", &prompt));
        let chat = Box::new(request(fields, limits, messages, Tools { parallel: true, ..Tools::default() })?);
        Ok(match (prompt.is_empty(), raw) {
            (true, _) => OllamaRequest::Load { model: chat.model },
            (_, true) => OllamaRequest::Raw { prompt, chat },
            (_, false) => OllamaRequest::Chat(chat),
        })
    }
}

fn said(role: &str, text: &str) -> Json {
    Json::Object(vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::from(text))])
}

fn request(fields: &mut Fields, limits: &Limits, messages: Vec<Json>, tools: Tools) -> Result<ChatRequest, ApiError> {
    let mut variables = Vec::new();
    if let Some(think) = fields.take("think") {
        match think.value() {
            Json::Bool(_) => variables.push(("enable_thinking".to_owned(), Json::Bool(think.bool()?))),
            _ => {
                let effort = think.one_of(&["low", "medium", "high"])?;
                variables.push(("reasoning_effort".to_owned(), Json::from(effort)));
            }
        }
    }
    fields.refuse("logprobs", &Json::Bool(false), "`/v1/chat/completions` has log-probabilities")?;
    fields.refuse("top_logprobs", &Json::from_integer(0), "`/v1/chat/completions` has log-probabilities")?;
    // The model is there as long as the server is.
    fields.take("keep_alive");
    let structured = fields.opt("format", form)?.flatten();
    let (sampling, ending) = options(fields, limits)?;
    Ok(ChatRequest {
        model: fields.opt("model", Field::string)?,
        conversation: Conversation::answered(messages, tools, variables),
        logprobs: None,
        tells_thoughts: true,
        thought_budget: None,
        sampling,
        structured,
        ending,
        delivery: Delivery { n: 1, stream: fields.or("stream", true, Field::bool)?, ..Delivery::default() },
    })
}

/// `"json"`, or a schema.
fn form(field: Field) -> Result<Option<Structured>, ApiError> {
    let param = field.path().to_owned();
    match field.value() {
        Json::String(text) if text.is_empty() => Ok(None),
        Json::String(_) => {
            field.one_of(&["json"])?;
            Ok(Some(Structured { structure: Structure::Object, param }))
        }
        _ => schema(field).map(Some),
    }
}

/// The object `options`, whose names are those of that API.
fn options(fields: &mut Fields, limits: &Limits) -> Result<(Sampling, Ending), ApiError> {
    let mut options = match fields.take("options") {
        Some(options) => options.object()?,
        None => Fields::empty("options"),
    };
    let path = options.path_of("num_ctx");
    if let Some(context) = options.opt("num_ctx", |field| field.integer(1..=i64::from(u32::MAX)))?
        && context > limits.context as i64
    {
        let expected = format!("at most {}, as the server was started: no prompt is cut", limits.context);
        return Err(ApiError::wrong_value(&path, &context.to_string(), &expected));
    }
    let last = options.path_of("repeat_last_n");
    if options.take("repeat_last_n").is_some_and(|field| field.value() != &Json::from_integer(-1)) {
        return Err(ApiError::unsupported(&last, "a penalty looks at the whole text, which is -1"));
    }
    for name in ["mirostat", "tfs_z", "typical_p"] {
        let neutral = if name == "mirostat" { 0 } else { 1 };
        if let Some(field) = options.take(name)
            && field.value() != &Json::from_integer(neutral)
            && field.value() != &Json::from_number(neutral as f32)
        {
            return Err(ApiError::unsupported(field.path(), "tokens are drawn by top_k, top_p, min_p and temperature"));
        }
    }
    // What holds for the machine, and not for the text.
    for name in ["num_keep", "num_batch", "num_thread", "num_gpu", "main_gpu", "use_mmap", "numa", "low_vram"] {
        options.take(name);
    }
    options.rename("repeat_penalty", "repetition_penalty");
    options.rename("num_predict", "n_predict");
    let sampling = Sampling::read(&mut options, limits)?;
    let mut ending = Ending::read(&mut options, &["n_predict"], limits)?;
    ending.max_tokens_field = "options.num_predict";
    Ok((sampling, ending))
}

fn tool(field: Field) -> Result<ToolDefinition, ApiError> {
    let mut fields = field.object()?;
    fields.opt("type", |kind| kind.one_of(&["function"]))?;
    ToolDefinition::flat(fields.require("function")?.object()?)
}

fn take_message(field: Field) -> Result<Json, ApiError> {
    let mut fields = field.object()?;
    fields.refuse("images", &Json::Array(Vec::new()), "models here read text")?;
    let role = fields.require("role")?.one_of(&["system", "user", "assistant", "tool"])?;
    let text = fields.opt("content", text_of)?.unwrap_or_default();
    let mut message = vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::String(text))];
    for (name, known) in [("thinking", "reasoning_content"), ("tool_name", "name"), ("tool_call_id", "tool_call_id")] {
        let text = fields.opt(name, Field::string)?.filter(|text| !text.is_empty());
        message.extend(text.map(|text| (known.to_owned(), Json::String(text))));
    }
    if let Some(calls) = fields.opt("tool_calls", tool_calls)?.filter(|calls| !calls.is_empty()) {
        message.push(("tool_calls".to_owned(), Json::Array(calls)));
    }
    Ok(Json::Object(message))
}
