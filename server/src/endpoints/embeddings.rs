//! `POST /v1/embeddings`. What does not belong here: fields of requests, the network.

use super::body;
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::request::{EmbeddingsRequest, PromptText};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::sync::Arc;
use trine::model::{EngineError, Prompt};

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Row,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Row {
    Numbers(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// A row for each text.
pub async fn embeddings(State(app): State<Arc<App>>, request: Request) -> Result<Response<Body>, ApiError> {
    body::answer(&app, request, rows).await
}

fn rows(app: &App, fields: &mut Fields) -> Result<String, ApiError> {
    let config = app.engine.config();
    let Some(pooling) = config.pooling else {
        let message =
            "this model generates text and makes no embeddings: its file says of no row that it stands for a text";
        return Err(ApiError::bad("unsupported_model", message).at("model"));
    };
    let EmbeddingsRequest { model, texts, base64 } = EmbeddingsRequest::read(fields, &app.limits, config.dims.hidden)?;
    let model = app.model(model)?;
    let prompts = texts.iter().enumerate().map(|(index, text)| prompt(app, index, text));
    let prompts: Vec<Prompt> = prompts.collect::<Result<_, _>>()?;
    let tokens = prompts.iter().map(|prompt| prompt.ids().len()).sum();
    let rows = app.engine.embed(&prompts, pooling, &mut |_| true).map_err(refused)?;
    let embedding = |(index, row): (usize, Vec<f32>)| Embedding {
        object: "embedding",
        index,
        embedding: match base64 {
            false => Row::Numbers(row),
            true => Row::Base64(STANDARD.encode(row.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())),
        },
    };
    let data = rows.into_iter().enumerate().map(embedding).collect();
    let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
    Ok(serde_json::to_string(&List { object: "list", data, model, usage }).unwrap_or_default())
}

/// A text as tokens, of which there is one and no more than the context holds.
fn prompt(app: &App, index: usize, text: &PromptText) -> Result<Prompt, ApiError> {
    let prompt = match text {
        PromptText::Text(text) => app.engine.embedding_prompt(text),
        PromptText::Ids(ids) => app.engine.prompt_of_ids(ids),
    };
    let prompt = prompt.map_err(refused)?;
    match prompt.ids().len() {
        0 => Err(ApiError::bad("invalid_value", format!("text {index} has no tokens")).at("input")),
        found if found > app.limits.context => {
            let message = format!("text {index} has {found} tokens, and the context {}", app.limits.context);
            Err(ApiError::bad("context_length_exceeded", message).at("input"))
        }
        _ => Ok(prompt),
    }
}

fn refused(error: EngineError) -> ApiError {
    match error {
        EngineError::Memory(_) => ApiError::internal("there is no memory for these texts"),
        other => ApiError::bad("invalid_value", other.to_string()).at("input"),
    }
}
