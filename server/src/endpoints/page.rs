//! The web page: one file, which asks nothing of any other server. What does not belong here: what the page does
//! (`page.html`).

use crate::app::App;
use crate::error::ApiError;
use crate::id;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, header};
use std::sync::Arc;

/// The page; `NONCE` stands where the nonce of a response goes.
const PAGE: &str = include_str!("../page.html");

/// The page. Scripts and styles of no other origin run in it, and none that a text could bring.
pub async fn page(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    if !app.options.page && app.options.ollama {
        return Ok(Response::new(Body::from("Ollama is running")));
    }
    if !app.options.page {
        return Err(ApiError::not_found("unknown_path", "there is no web page: the server was started without one"));
    }
    let nonce = id::new("");
    let mut response = Response::new(Body::from(PAGE.replace("NONCE", &nonce)));
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}
