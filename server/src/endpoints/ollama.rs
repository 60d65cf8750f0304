//! The paths of Ollama's API. What does not belong here: their fields (`request`) and the form of answers (`answer`).

use super::body::{self, Prepared, json_response};
use super::chat::{answer, continued};
use super::gate::Client;
use super::generate::{Runnable, respond};
use crate::answer::{Form, Heading, OllamaForm, Told};
use crate::app::App;
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::request::{ChatRequest, OllamaRequest};
use crate::time::{rfc3339, rfc3339_of};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::{self, MethodRouter};
use serde_json::{Value, json};
use std::sync::Arc;
use trine::model::EncodeOptions;

/// What is said of a model that every name without a tag means.
const LATEST: &str = ":latest";

/// The paths, where the server has them, and what answers them.
pub fn routes() -> Vec<(String, MethodRouter<Arc<App>>)> {
    let absent = || routing::get(absent).post(absent).delete(absent).head(absent);
    let there = [
        ("chat", routing::post(chat)),
        ("generate", routing::post(generate)),
        ("tags", routing::get(tags)),
        ("ps", routing::get(running)),
        ("show", routing::post(show)),
        ("version", routing::get(version)),
    ];
    let not_there = ["pull", "push", "create", "copy", "delete", "embed", "embeddings", "blobs/{digest}"];
    let not_there = not_there.map(|path| (path, absent()));
    there.into_iter().chain(not_there).map(|(path, route)| (format!("/api/{path}"), route)).collect()
}

/// What is asked, or that there was nothing to do.
enum Asked {
    Run(Box<Runnable>),
    Loaded(String),
}

async fn chat(State(app): State<Arc<App>>, Extension(client): Extension<Client>, request: Request) -> Response<Body> {
    answered(&app, client, body::prepare(&app, request, |app, fields| prepare(app, fields, true)).await).await
}

async fn generate(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response<Body> {
    answered(&app, client, body::prepare(&app, request, |app, fields| prepare(app, fields, false)).await).await
}

async fn answered(app: &Arc<App>, client: Client, prepared: Result<Prepared<Asked>, ApiError>) -> Response<Body> {
    let response = match prepared {
        Ok(Prepared { value: Asked::Run(runnable), ignored }) => respond(app, client, *runnable, &ignored).await,
        Ok(Prepared { value: Asked::Loaded(body), .. }) => Ok(json_response(body)),
        Err(error) => Err(error),
    };
    response.unwrap_or_else(|error| refusal(&error))
}

fn prepare(app: &App, fields: &mut Fields, is_chat: bool) -> Result<Asked, ApiError> {
    let request = match is_chat {
        true => OllamaRequest::chat(fields, &app.limits)?,
        false => OllamaRequest::generate(fields, &app.limits)?,
    };
    let asked = request.model().unwrap_or(&app.options.model).to_owned();
    let model = Some(asked.strip_suffix(LATEST).unwrap_or(&asked).to_owned());
    app.model(model.clone())?;
    let form = |told: Told| -> Box<dyn Form> {
        // The model is told by the name by which it was asked for.
        let heading = Heading { model: asked.clone(), ..told.heading };
        Box::new(OllamaForm::new(heading, is_chat))
    };
    let runnable = match request {
        OllamaRequest::Load { .. } => {
            let mut loaded = json!({"model": asked, "created_at": rfc3339(), "done": true, "done_reason": "load"});
            match is_chat {
                true => loaded["message"] = json!({"role": "assistant", "content": ""}),
                false => loaded["response"] = json!(""),
            }
            return Ok(Asked::Loaded(loaded.to_string()));
        }
        OllamaRequest::Chat(chat) => match (is_chat, app.engine.chat_template(), chat.conversation.messages.as_slice())
        {
            // A model without a template continues what it is given.
            (false, Err(_), [only]) => {
                let prompt = only.get("content").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
                raw(app, &prompt, ChatRequest { model, ..*chat }, form)?
            }
            _ => answer(app, ChatRequest { model, ..*chat }, "chatcmpl-", form)?,
        },
        OllamaRequest::Raw { prompt, chat } => raw(app, &prompt, ChatRequest { model, ..*chat }, form)?,
    };
    Ok(Asked::Run(Box::new(runnable)))
}

fn raw(
    app: &App,
    prompt: &str,
    chat: ChatRequest,
    form: impl FnOnce(Told) -> Box<dyn Form>,
) -> Result<Runnable, ApiError> {
    let wrong = |error: trine::model::TokenizerError| ApiError::bad("invalid_value", error.to_string()).at("prompt");
    let ids = app.engine.tokenizer().encode(prompt, EncodeOptions::PROMPT).map_err(wrong)?;
    continued(app, chat, ids, form)
}

/// What is said of the model in lists.
fn described(app: &App, id: &str) -> Value {
    json!({
        "name": id, "model": id, "modified_at": rfc3339_of(app.created), "size": app.options.facts.bytes,
        "digest": app.fingerprint, "details": details(app),
    })
}

fn details(app: &App) -> Value {
    let family = app.engine.config().architecture.name();
    json!({"parent_model": "", "format": "gguf", "family": family, "families": [family],
           "parameter_size": in_words(app.options.facts.parameters),
           "quantization_level": app.options.facts.tensor_type})
}

/// A number of parameters as that API writes it: `2.4B`, `15M`.
fn in_words(parameters: u64) -> String {
    let millions = parameters as f64 / 1e6;
    match parameters {
        0 => String::new(),
        1_000_000_000.. => format!("{:.1}B", millions / 1e3),
        10_000_000.. => format!("{millions:.0}M"),
        _ => format!("{millions:.1}M"),
    }
}

async fn tags(State(app): State<Arc<App>>) -> Response<Body> {
    let ids = std::iter::once(&app.options.model).chain(&app.options.aliases);
    let models: Vec<Value> = ids.map(|id| described(&app, id)).collect();
    json_response(json!({"models": models}).to_string())
}

async fn running(State(app): State<Arc<App>>) -> Response<Body> {
    let mut model = described(&app, &app.options.model);
    // It stays.
    model["expires_at"] = json!("9999-12-31T23:59:59Z");
    model["size_vram"] = json!(0);
    model["context_length"] = json!(app.limits.context);
    json_response(json!({"models": [model]}).to_string())
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let shown = body::prepare(&app, request, |app, fields| {
        let name = fields.take_any(&["model", "name"]).map(Field::string).transpose()?;
        fields.take("verbose");
        let name = name.as_deref().map(|name| name.strip_suffix(LATEST).unwrap_or(name).to_owned());
        app.model(name)?;
        let config = app.engine.config();
        let template = app.engine.chat_template().map_or("", |template| template.text());
        let tools = app.options.tools.are_known(template).then_some("tools");
        let thinking = template.contains("</think>").then_some("thinking");
        let capabilities: Vec<&str> = ["completion"].into_iter().chain(tools).chain(thinking).collect();
        let architecture = config.architecture.name();
        let info = json!({
            "general.architecture": architecture, "general.parameter_count": app.options.facts.parameters,
            format!("{architecture}.context_length"): app.limits.context,
            format!("{architecture}.embedding_length"): config.dims.hidden,
            format!("{architecture}.block_count"): config.dims.blocks(),
        });
        Ok(json!({
            "modelfile": "", "parameters": format!("num_ctx {}", app.limits.context), "template": template,
            "details": details(app), "model_info": info, "capabilities": capabilities,
            "modified_at": rfc3339_of(app.created),
        })
        .to_string())
    });
    match shown.await {
        Ok(Prepared { value, .. }) => json_response(value),
        Err(error) => refusal(&error),
    }
}

/// The version of the API's own server whose fields these are: clients compare it with what they need.
async fn version() -> Response<Body> {
    json_response(json!({"version": "0.13.0"}).to_string())
}

/// What has to do with other models than the one.
async fn absent() -> Response<Body> {
    let message = "this server has one model, which stays as it is, and makes no embeddings";
    refusal(&ApiError { status: StatusCode::NOT_IMPLEMENTED, ..ApiError::bad("unsupported_model", message) })
}

/// An error as that API writes it.
fn refusal(error: &ApiError) -> Response<Body> {
    let mut response = error.response();
    *response.body_mut() = Body::from(json!({"error": error.message}).to_string());
    response
}
