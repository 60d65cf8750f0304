//! `POST /v1/responses`. What does not belong here: its fields (`request`) and the form of its answer (`answer`).

use super::body::{self, Prepared};
use super::chat::answer;
use super::gate::Client;
use super::generate::{Runnable, respond};
use crate::answer::ResponsesForm;
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::request::ResponsesRequest;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::sync::Arc;

/// Answers a conversation.
pub async fn responses(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let Prepared { value, ignored } = body::prepare(&app, request, prepare).await?;
    respond(&app, client, value, &ignored).await
}

/// What a request asks for.
///
/// # Errors
/// It is wrong, or asks for what the model does not have.
pub fn prepare(app: &App, fields: &mut Fields) -> Result<Runnable, ApiError> {
    let ResponsesRequest { chat, repeated } = ResponsesRequest::read(fields, &app.limits)?;
    answer(app, chat, "resp_", |told| Box::new(ResponsesForm::new(told.heading, repeated)))
        .map_err(|error| if error.param.as_deref() == Some("messages") { error.at("input") } else { error })
}
