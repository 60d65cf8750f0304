//! The body of a request: read within limits of size and time, parsed where it keeps nobody waiting. What does not
//! belong here: its fields.

use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// What came of a body, and the fields of it that nobody knows.
pub struct Prepared<T> {
    /// What came of it.
    pub value: T,
    /// Paths of fields.
    pub ignored: Vec<String>,
}

/// The longest list of fields that is told.
const LONGEST: usize = 1024;

/// Reads the body of a request and makes of its fields what `prepare` makes.
///
/// # Errors
/// The body is no JSON object, too long or too slow, or those of `prepare`.
pub async fn prepare<T: Send + 'static>(
    app: &Arc<App>,
    request: Request,
    prepare: impl FnOnce(&App, &mut Fields) -> Result<T, ApiError> + Send + 'static,
) -> Result<Prepared<T>, ApiError> {
    app.check_ready()?;
    let bytes = read(app, request).await?;
    // Text becomes tokens at a few megabytes a second, which must not keep other requests waiting.
    let permit = app.preparing.acquire().await.map_err(|_| ApiError::internal("the server is being stopped"))?;
    let shared = app.clone();
    let work = move || {
        let mut fields = Fields::of_body(&bytes)?;
        let value = prepare(&shared, &mut fields)?;
        let mut ignored = Vec::new();
        fields.finish(&mut ignored);
        Ok(Prepared { value, ignored })
    };
    let prepared = spawn_blocking(work).await;
    drop(permit);
    prepared.unwrap_or_else(|_| Err(ApiError::internal("the server failed at this request")))
}

/// The answer to a request whose fields `prepare` makes a JSON document of.
///
/// # Errors
/// Those of [`prepare`].
pub async fn answer(
    app: &Arc<App>,
    request: Request,
    prepare: impl FnOnce(&App, &mut Fields) -> Result<String, ApiError> + Send + 'static,
) -> Result<Response<Body>, ApiError> {
    let Prepared { value, ignored } = self::prepare(app, request, prepare).await?;
    let mut response = json_response(value);
    tell_ignored(&mut response, &ignored);
    Ok(response)
}

async fn read(app: &App, request: Request) -> Result<Bytes, ApiError> {
    check_type(request.headers())?;
    let most = app.options.max_body;
    let too_large = || {
        let message = format!("the body has more than {most} bytes");
        ApiError::protocol(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
    };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > most as u64) {
        return Err(too_large());
    }
    match timeout(app.options.body_timeout, to_bytes(request.into_body(), most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_of_length(&error) => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::bad("incomplete_body", "the body did not arrive whole")),
        Err(_) => {
            let message = "the body did not arrive in time";
            Err(ApiError::protocol(StatusCode::REQUEST_TIMEOUT, "slow_body", message))
        }
    }
}

fn is_of_length(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

/// Refuses a body that says it is something else than JSON.
fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/json" || kind.ends_with("+json") {
        return Ok(());
    }
    let message = format!("the body is {kind:?}: expected application/json");
    Err(ApiError::protocol(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// Tells the client which fields nobody knows.
pub fn tell_ignored<B>(response: &mut Response<B>, ignored: &[String]) {
    if ignored.is_empty() {
        return;
    }
    let mut list = ignored.join(", ").replace(|c: char| !(c.is_ascii_graphic() || c == ' '), "?");
    list.truncate(LONGEST);
    if let Ok(value) = HeaderValue::try_from(list) {
        response.headers_mut().insert("x-trine-ignored", value);
    }
}

/// A response of one JSON document.
pub fn json_response(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
