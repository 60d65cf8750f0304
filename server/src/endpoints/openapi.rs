//! `GET /openapi.json`: what paths there are, which fields requests have and what is answered. What does not belong
//! here: the document itself, which is `openapi.json`, and reading fields (`request`).

use super::body::json_response;
use crate::app::App;
use crate::request::Limits;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// The document, without what depends on the model and on options.
const DOCUMENT: &str = include_str!("../../openapi.json");

/// The document.
pub async fn openapi(State(app): State<Arc<App>>) -> Response<Body> {
    json_response(document(&app.limits, app.options.ollama, !app.options.keys.is_empty()).to_string())
}

/// The document of a server with these limits: its vocabulary and its context bound fields, and paths that it does not
/// have are left out.
fn document(limits: &Limits, has_ollama: bool, asks_for_keys: bool) -> Value {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    let schemas = &mut document["components"]["schemas"];
    schemas["TokenId"]["maximum"] = json!(limits.vocab.saturating_sub(1));
    for name in ["Positions", "SomePositions"] {
        schemas[name]["maximum"] = json!(limits.context);
    }
    if let Some(paths) = document["paths"].as_object_mut().filter(|_| !has_ollama) {
        paths.retain(|path, _| !path.starts_with("/api/"));
    }
    if let Some(fields) = document.as_object_mut().filter(|_| !asks_for_keys) {
        fields.remove("security");
    }
    document
}

#[cfg(test)]
mod tests;
