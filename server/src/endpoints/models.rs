//! What the server says of its model: `/v1/models`, `/props`. What does not belong here: the tokenizer
//! (`tokens.rs`).

use super::body::json_response;
use crate::app::App;
use crate::error::ApiError;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Response;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct List<'l> {
    object: &'static str,
    data: Vec<Model<'l>>,
}

/// A model, with what clients of vLLM and llama.cpp read of it.
#[derive(Serialize)]
struct Model<'m> {
    id: &'m str,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
    root: &'m str,
    max_model_len: usize,
    meta: Meta,
    capabilities: Vec<&'static str>,
}

#[derive(Serialize)]
struct Meta {
    n_vocab: usize,
    n_ctx_train: usize,
    n_embd: usize,
    n_layer: usize,
    n_params: u64,
    size: u64,
}

#[derive(Serialize)]
struct Props<'p> {
    model_alias: &'p str,
    model_path: &'p str,
    architecture: &'static str,
    system_fingerprint: &'p str,
    n_ctx: usize,
    total_slots: usize,
    chat_template: Option<&'p str>,
    capabilities: Vec<&'static str>,
    default_generation_settings: Defaults,
    build_info: &'static str,
}

#[derive(Serialize)]
struct Defaults {
    temperature: f32,
    top_p: f32,
    top_k: usize,
    min_p: f32,
    max_tokens: usize,
}

fn capabilities(app: &App) -> Vec<&'static str> {
    let template = app.engine.chat_template().ok().map(|template| template.text());
    let chat = template.map(|_| "chat");
    let tools = template.filter(|template| app.options.tools.are_known(template)).map(|_| "tools");
    ["completion", "json_schema"].into_iter().chain(chat).chain(tools).collect()
}

fn described<'m>(app: &'m App, id: &'m str) -> Model<'m> {
    let config = app.engine.config();
    Model {
        id,
        object: "model",
        created: app.created,
        owned_by: "trine",
        root: &app.options.model,
        max_model_len: app.limits.context,
        meta: Meta {
            n_vocab: config.dims.vocab,
            n_ctx_train: config.context,
            n_embd: config.dims.hidden,
            n_layer: config.dims.blocks(),
            n_params: app.options.facts.parameters,
            size: app.options.facts.bytes,
        },
        capabilities: capabilities(app),
    }
}

/// The model and its aliases.
pub async fn list(State(app): State<Arc<App>>) -> Response<Body> {
    let ids = std::iter::once(&app.options.model).chain(&app.options.aliases);
    let list = List { object: "list", data: ids.map(|id| described(&app, id)).collect() };
    json_response(serde_json::to_string(&list).unwrap_or_default())
}

/// The model of an id.
pub async fn one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response<Body>, ApiError> {
    let id = app.model(Some(id)).map_err(|error| ApiError { param: None, ..error })?;
    Ok(json_response(serde_json::to_string(&described(&app, &id)).unwrap_or_default()))
}

/// What the server was started with.
pub async fn props(State(app): State<Arc<App>>) -> Response<Body> {
    let sampling = app.limits.sampling;
    let props = Props {
        model_alias: &app.options.model,
        model_path: app.engine.id().label(),
        architecture: app.engine.config().architecture.name(),
        system_fingerprint: &app.fingerprint,
        n_ctx: app.limits.context,
        total_slots: app.options.max_sequences.get(),
        chat_template: app.engine.chat_template().ok().map(|template| template.text()),
        capabilities: capabilities(&app),
        default_generation_settings: Defaults {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            min_p: sampling.min_p,
            max_tokens: app.options.max_tokens.get(),
        },
        build_info: env!("CARGO_PKG_VERSION"),
    };
    json_response(serde_json::to_string(&props).unwrap_or_default())
}
