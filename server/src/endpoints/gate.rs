//! What every request passes, whatever its path: its name, the names and origins that may ask, keys, faults, counters.
//! What does not belong here: what a path answers.

use crate::access::{Origin, check_host};
use crate::app::App;
use crate::error::ApiError;
use crate::metrics::escaped;
use crate::{id, json::Json};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Who asks: the name of a key, or else an address. Requests of one take turns with those of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client(pub Arc<str>);

/// Paths that ask for no key.
const OPEN: [&str; 7] = ["/", "/health", "/health/live", "/health/ready", "/version", "/metrics", "/openapi.json"];

/// The paths that metrics name.
const NAMED: [&str; 18] = [
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/version",
    "/metrics",
    "/props",
    "/v1/models",
    "/v1/completions",
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/embeddings",
    "/tokenize",
    "/detokenize",
    "/tokenizer_info",
    "/openapi.json",
];

/// The name of a request, as its client or the server chose it.
const REQUEST_ID: &str = "x-request-id";

/// The longest name that is taken from a client.
const LONGEST_ID: usize = 128;

/// Lets a request through, or answers it.
pub async fn gate(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let begun = Instant::now();
    let name = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let origin = app.origins.of(request.headers());
    let mut response = match pass(&app, request, &origin) {
        Ok(request) => run(next, request).await,
        Err(refusal) => *refusal,
    };
    if let Ok(Origin::Known(origin)) = &origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let exposed = HeaderValue::from_static("x-request-id, retry-after, retry-after-ms, x-trine-ignored");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    let took = begun.elapsed();
    response.headers_mut().insert("openai-processing-ms", HeaderValue::from(took.as_millis() as u64));
    let shown = name.to_str().unwrap_or_default().to_owned();
    response.headers_mut().insert(REQUEST_ID, name);
    account(&app, &method, &path, &shown, response.status(), took);
    response
}

/// Who asks and where from is checked here; what passes knows its client.
fn pass(app: &App, mut request: Request, origin: &Result<Origin, ApiError>) -> Result<Request, Box<Response<Body>>> {
    let refused = |error: &ApiError| Box::new(error.response());
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    check_host(request.headers(), authority.as_deref(), &app.options.hosts).map_err(|error| refused(&error))?;
    origin.as_ref().map_err(refused)?;
    if request.method() == Method::OPTIONS {
        return Err(Box::new(preflight()));
    }
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') && !path.starts_with("//") {
        return Err(Box::new(without_slash(path, request.uri().query())));
    }
    let is_open = OPEN.contains(&path) && !(path == "/metrics" && app.options.metrics_key);
    let name = app.keys.name_of(request.headers()).map(str::to_owned);
    let client = match (name, request.extensions().get::<Peer>()) {
        (Some(name), _) if !name.is_empty() => Client(name.into()),
        (None, _) if !is_open => return Err(refused(&ApiError::unauthorized())),
        (_, Some(Peer(address))) => Client(address.ip().to_string().into()),
        (_, None) => Client("".into()),
    };
    request.extensions_mut().insert(client);
    Ok(request)
}

/// The name that the client gave, as far as it is one, or another.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_name = |value: &&HeaderValue| {
        !value.is_empty() && value.len() <= LONGEST_ID && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    let given = headers.get(REQUEST_ID).filter(is_name).cloned();
    given.unwrap_or_else(|| HeaderValue::try_from(id::new("req_")).unwrap_or(HeaderValue::from_static("req")))
}

/// What a browser is told before a page sends its request.
fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    let allowed = HeaderValue::from_static("authorization, content-type, x-api-key, x-request-id");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn without_slash(path: &str, query: Option<&str>) -> Response<Body> {
    let path = path.trim_end_matches('/');
    let location = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Answers a request; a panic is an error of this request alone.
async fn run(next: Next, request: Request) -> Response<Body> {
    let mut answer = pin!(next.run(request));
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(ApiError::internal("the server failed at this request").response()),
    })
    .await
}

fn account(app: &App, method: &Method, path: &str, request: &str, status: StatusCode, took: Duration) {
    let model = path.starts_with("/v1/models/").then_some("/v1/models/{id}");
    let endpoint = model.or_else(|| NAMED.into_iter().find(|named| *named == path)).unwrap_or("other");
    app.metrics.requests.count(format!("endpoint=\"{}\",status=\"{}\"", escaped(endpoint), status.as_u16()));
    if let Some(log) = app.options.log {
        let (method, path, status) = (Json::from(method.as_str()), Json::from(path), status.as_u16());
        let request = Json::from(request);
        let ms = took.as_millis();
        log(&format!("{{\"request\":{request},\"method\":{method},\"path\":{path},\"status\":{status},\"ms\":{ms}}}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::body::prepare;
    use crate::options::ServerOptions;
    use axum::Router;
    use axum::routing::{get, post};
    use tower_service::Service;

    /// A handler that fails at once, one that fails while it prepares, and one that does not.
    fn router() -> Router {
        let app = Arc::new(App::start(trine::embedded_engine().unwrap(), ServerOptions::default()).unwrap());
        let prepared = |State(app): State<Arc<App>>, request: Request| async move {
            prepare(&app, request, |_, fields| {
                assert!(fields.names().next().is_none(), "a fault of this request");
                Ok(())
            })
            .await
            .map(|_| "fine")
        };
        let panics = || async { if true { panic!("a fault of this request") } else { "never" } };
        Router::new()
            .route("/panics", get(panics))
            .route("/prepares", post(prepared))
            .layer(axum::middleware::from_fn_with_state(app.clone(), gate))
            .with_state(app)
    }

    #[test]
    fn a_panic_of_a_request_is_an_error_of_it_alone() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut router = router();
        let mut ask = |method: Method, path: &str, body: &'static str| {
            let request = Request::builder().method(method).uri(path).header("host", "localhost");
            let response = runtime.block_on(router.call(request.body(Body::from(body)).unwrap())).unwrap();
            assert!(response.headers().contains_key(REQUEST_ID));
            response.status().as_u16()
        };
        assert_eq!(ask(Method::GET, "/panics", ""), 500);
        assert_eq!(ask(Method::POST, "/prepares", "{\"a\": 1}"), 500);
        assert_eq!(ask(Method::POST, "/prepares", "{}"), 200);
        assert_eq!(ask(Method::GET, "/panics", ""), 500);
    }
}
