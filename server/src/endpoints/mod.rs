//! The paths of the server and what answers each. What belongs here: HTTP. What does not: fields of requests
//! (`request`), forms of answers (`answer`), generation (`worker`).

mod body;
mod chat;
mod completions;
mod embeddings;
mod gate;
mod generate;
mod health;
mod messages;
mod models;
mod ollama;
mod page;
mod responses;
mod tokens;

pub use gate::Peer;

use crate::app::App;
use crate::error::ApiError;
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.response()
    }
}

/// All paths, behind the gate that every request passes.
pub fn router(app: Arc<App>) -> Router {
    let ollama = if app.options.ollama { ollama::router() } else { Router::new() };
    Router::new()
        .merge(ollama)
        .route("/", get(page::page))
        .route("/health", get(health::ready))
        .route("/health/ready", get(health::ready))
        .route("/health/live", get(health::live))
        .route("/version", get(health::version))
        .route("/metrics", get(health::metrics))
        .route("/props", get(models::props))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/completions", post(completions::completions))
        .route("/v1/chat/completions", post(chat::chat))
        .route("/v1/responses", post(responses::responses))
        .route("/v1/messages", post(messages::messages))
        .route("/v1/messages/count_tokens", post(messages::count))
        .route("/v1/embeddings", post(embeddings::embeddings))
        .route("/tokenize", post(tokens::tokenize))
        .route("/detokenize", post(tokens::detokenize))
        .route("/tokenizer_info", get(tokens::info))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), gate::gate))
        .with_state(app)
}

async fn unknown(uri: Uri) -> ApiError {
    ApiError::not_found("unknown_path", format!("there is no path {}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{method} is not a method of {}", uri.path());
    ApiError::protocol(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
