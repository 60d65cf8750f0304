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
mod openapi;
mod page;
mod responses;
mod tokens;

pub use gate::Peer;
pub use generate::{Runnable, whole};

use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

/// What makes a request of the fields of a body.
pub type Preparation = fn(&App, &mut Fields) -> Result<Runnable, ApiError>;

/// What makes requests for a path, where it is one of OpenAI's API that answers with a text.
pub fn preparation(path: &str) -> Option<Preparation> {
    match path {
        "/v1/completions" => Some(completions::prepare),
        "/v1/chat/completions" => Some(chat::prepare),
        "/v1/responses" => Some(responses::prepare),
        _ => None,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.response()
    }
}

/// All paths, behind the gate that every request passes.
pub fn router(app: Arc<App>) -> Router {
    let ollama = if app.options.ollama { ollama::routes() } else { Vec::new() };
    let own = routes().into_iter().map(|(path, route)| (path.to_owned(), route));
    let all = own.chain(ollama).fold(Router::new(), |router, (path, route)| router.route(&path, route));
    all.fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), gate::gate))
        .with_state(app)
}

/// The paths that every server has, and what answers them.
fn routes() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/", get(page::page)),
        ("/health", get(health::ready)),
        ("/health/ready", get(health::ready)),
        ("/health/live", get(health::live)),
        ("/version", get(health::version)),
        ("/metrics", get(health::metrics)),
        ("/openapi.json", get(openapi::openapi)),
        ("/props", get(models::props)),
        ("/v1/models", get(models::list)),
        ("/v1/models/{*id}", get(models::one)),
        ("/v1/completions", post(completions::completions)),
        ("/v1/chat/completions", post(chat::chat)),
        ("/v1/responses", post(responses::responses)),
        ("/v1/messages", post(messages::messages)),
        ("/v1/messages/count_tokens", post(messages::count)),
        ("/v1/embeddings", post(embeddings::embeddings)),
        ("/tokenize", post(tokens::tokenize)),
        ("/detokenize", post(tokens::detokenize)),
        ("/tokenizer_info", get(tokens::info)),
    ]
}

async fn unknown(uri: Uri) -> ApiError {
    ApiError::not_found("unknown_path", format!("there is no path {}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{method} is not a method of {}", uri.path());
    ApiError::protocol(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
