//! `POST /tokenize`, `POST /detokenize`, `GET /tokenizer_info`. What does not belong here: generation.

use super::body::{self, json_response};
use crate::answer::TokenNames;
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::prepare::conversation_tokens;
use crate::request::{DetokenizeRequest, TokenizeRequest, Tokenized};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use serde::Serialize;
use std::sync::Arc;
use trine::model::EncodeOptions;

#[derive(Serialize)]
struct Tokens {
    tokens: Vec<u32>,
    count: usize,
    max_model_len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_strs: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Pieces {
    tokens: Vec<Piece>,
}

#[derive(Serialize)]
struct Piece {
    id: u32,
    piece: String,
}

#[derive(Serialize)]
struct Text<'t> {
    prompt: &'t str,
    content: &'t str,
}

#[derive(Serialize)]
struct Info<'i> {
    tokenizer_class: &'static str,
    bos_token: Option<&'i str>,
    eos_token: Option<&'i str>,
    pad_token: Option<&'i str>,
    unk_token: Option<&'i str>,
    add_bos_token: bool,
    model_max_length: usize,
    chat_template: Option<&'i str>,
}

/// A text as tokens.
pub async fn tokenize(State(app): State<Arc<App>>, request: Request) -> Result<Response<Body>, ApiError> {
    body::answer(&app, request, tokens).await
}

fn tokens(app: &App, fields: &mut Fields) -> Result<String, ApiError> {
    let TokenizeRequest { model, text, strings, pieces } = TokenizeRequest::read(fields)?;
    app.model(model)?;
    let tokenizer = app.engine.tokenizer();
    let tokens = match text {
        Tokenized::Conversation(conversation) => conversation_tokens(&app.engine, app.options.tools, &conversation)?,
        Tokenized::Text { text, add_special, parse_special } => {
            let options = EncodeOptions { add_bos: add_special, add_eos: false, parse_special };
            let wrong = |error: trine::model::TokenizerError| ApiError::bad("invalid_value", error.to_string());
            tokenizer.encode(&text, options).map_err(wrong)?
        }
    };
    let names = TokenNames::new(tokenizer.clone(), false);
    if pieces {
        let tokens = tokens.iter().map(|&id| Piece { id, piece: names.text(id) }).collect();
        return Ok(serde_json::to_string(&Pieces { tokens }).unwrap_or_default());
    }
    let token_strs = strings.then(|| tokens.iter().map(|id| names.text(*id)).collect());
    let (count, max_model_len) = (tokens.len(), app.limits.context);
    Ok(serde_json::to_string(&Tokens { tokens, count, max_model_len, token_strs }).unwrap_or_default())
}

/// Tokens as a text.
pub async fn detokenize(State(app): State<Arc<App>>, request: Request) -> Result<Response<Body>, ApiError> {
    body::answer(&app, request, text).await
}

fn text(app: &App, fields: &mut Fields) -> Result<String, ApiError> {
    let DetokenizeRequest { model, tokens } = DetokenizeRequest::read(fields, &app.limits)?;
    app.model(model)?;
    let text = app.engine.tokenizer().decode(&tokens, true);
    let text = text.map_err(|error| ApiError::bad("invalid_value", error.to_string()).at("tokens"))?;
    Ok(serde_json::to_string(&Text { prompt: &text, content: &text }).unwrap_or_default())
}

/// What a client needs to know of the tokenizer, in HF's words.
pub async fn info(State(app): State<Arc<App>>) -> Response<Body> {
    let tokenizer = app.engine.tokenizer();
    let text = |id: Option<u32>| id.and_then(|id| tokenizer.token(id));
    let info = Info {
        tokenizer_class: "TrineTokenizer",
        bos_token: text(tokenizer.bos()),
        eos_token: text(tokenizer.eos()),
        pad_token: None,
        unk_token: None,
        add_bos_token: tokenizer.adds_bos(),
        model_max_length: app.limits.context,
        chat_template: app.engine.chat_template().ok().map(|template| template.text()),
    };
    json_response(serde_json::to_string(&info).unwrap_or_default())
}
