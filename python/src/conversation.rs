//! Requests in OpenAI's words, answered by the server of the engine without a network. What does not belong here: what
//! a request may say, which the server decides.

use crate::errors::internal;
use crate::owned::{Owned, Reader};
use crate::wait;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use pyo3::prelude::*;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tower_service::Service;
use trine_server::Server;

/// An answer that is on its way: pieces of its body. What is generated for it is cancelled where this is dropped.
#[pyclass(frozen, module = "trine._trine")]
pub struct Answer {
    pieces: Owned<Reader<UnboundedReceiver<Piece>>>,
    task: Owned<AbortHandle>,
}

/// A part of a body, and whether it is that of an error.
type Piece = (String, bool);

/// Sends a request to a path.
///
/// # Errors
/// It is no request, which a path and a document of JSON always are.
pub fn ask(server: &Server, runtime: &Runtime, path: &str, body: String) -> PyResult<Answer> {
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(|error| internal(&error.to_string()))?;
    let (sender, pieces) = unbounded_channel();
    let task = runtime.spawn(answer(server.clone(), request, sender));
    Ok(Answer { pieces: Owned::new(Reader::new(pieces)), task: Owned::new(task.abort_handle()) })
}

async fn answer(server: Server, request: Request<Body>, pieces: UnboundedSender<Piece>) {
    let Ok(response) = server.router().call(request).await;
    let is_error = response.status() != StatusCode::OK;
    let mut body = response.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        // Characters are never cut, in no event.
        let text = frame.into_data().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if pieces.send((text.unwrap_or_default(), is_error)).is_err() {
            return;
        }
    }
}

#[pymethods]
impl Answer {
    /// Waits for the next piece; none behind the last one. An exception of a signal cancels the answer.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Piece>> {
        let mut pieces = self.pieces.get()?.lock()?;
        let waiting = &mut *pieces;
        let found = wait::until(py, move |context| waiting.poll_recv(context));
        found.inspect_err(|_| self.end())
    }

    /// Ends what has not ended.
    fn cancel(&self) {
        self.end();
    }
}

impl Answer {
    fn end(&self) {
        if let Ok(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.end();
    }
}
