//! Whether the server lives and takes requests, its version and its counters. What does not belong here: anything that
//! waits for the model.

use super::body::json_response;
use crate::app::App;
use crate::error::ApiError;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};
use std::sync::Arc;

/// Whether requests are taken.
pub async fn ready(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    app.check_ready()?;
    Ok(json_response(r#"{"status":"ok"}"#.to_owned()))
}

/// Whether the process serves at all, also while it is being stopped.
pub async fn live(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    match app.worker.is_alive() {
        true => Ok(json_response(r#"{"status":"ok"}"#.to_owned())),
        false => Err(ApiError::unavailable("stopped", "the engine has stopped: the server has to be started again")),
    }
}

/// The version.
pub async fn version() -> Response<Body> {
    json_response(format!("{{\"version\":\"{}\"}}", env!("CARGO_PKG_VERSION")))
}

/// The counters, as Prometheus reads them.
pub async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    let mut response = Response::new(Body::from(app.metrics.text(&app.options.model)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
