//! `POST /v1/messages` and `/v1/messages/count_tokens`. What does not belong here: their fields (`request`) and
//! the form of answers (`answer`).

use super::body::{self, Prepared, json_response, tell_ignored};
use super::chat::answer;
use super::gate::Client;
use super::generate::{Runnable, respond};
use crate::answer::{MessagesForm, error_json};
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::prepare::conversation_tokens;
use crate::request::MessagesRequest;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::sync::Arc;

/// Answers a conversation.
pub async fn messages(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response<Body> {
    let answered = async {
        let Prepared { value, ignored } = body::prepare(&app, request, prepare).await?;
        respond(&app, client, value, &ignored).await
    };
    answered.await.unwrap_or_else(|error| refusal(&error))
}

/// Counts the tokens of a conversation.
pub async fn count(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match body::prepare(&app, request, tokens).await {
        Ok(Prepared { value, ignored }) => {
            let mut response = json_response(format!("{{\"input_tokens\":{value}}}"));
            tell_ignored(&mut response, &ignored);
            response
        }
        Err(error) => refusal(&error),
    }
}

fn prepare(app: &App, fields: &mut Fields) -> Result<Runnable, ApiError> {
    let MessagesRequest(chat) = MessagesRequest::read(fields, &app.limits, false)?;
    answer(app, chat, "msg_", |told| Box::new(MessagesForm::new(told.heading)))
}

fn tokens(app: &App, fields: &mut Fields) -> Result<usize, ApiError> {
    let MessagesRequest(chat) = MessagesRequest::read(fields, &app.limits, true)?;
    app.model(chat.model)?;
    Ok(conversation_tokens(&app.engine, app.options.tools, &chat.conversation)?.len())
}

/// An error as that API writes it.
fn refusal(error: &ApiError) -> Response<Body> {
    let mut response = error.response();
    *response.body_mut() = Body::from(error_json(error).to_string());
    response
}
