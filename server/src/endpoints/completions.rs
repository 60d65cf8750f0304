//! `POST /v1/completions`. What does not belong here: its fields (`request`) and the form of its answer (`answer`).

use super::body::{self, Prepared};
use super::gate::Client;
use super::generate::{Runnable, respond};
use crate::answer::{Choices, CompletionForm, Heading, PromptShown, TokenNames, Told};
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::grammar::Begins;
use crate::prepare::{ChoiceSampler, constraint, options, room, seed_of};
use crate::request::{CompletionRequest, PromptText};
use crate::worker::Job;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::sync::Arc;
use trine::model::{EncodeOptions, GenerateOptions};

/// Most tokens of a text where a request does not say it, as OpenAI's API has it.
const TOKENS: usize = 16;

/// Continues texts.
pub async fn completions(
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
    let request = CompletionRequest::read(fields, &app.limits)?;
    let model = app.model(request.model.clone())?;
    let constraint = constraint(request.structured.clone(), Begins::AtOnce, &request.ending)?;
    let tokenizer = app.engine.tokenizer();
    let prompts = prompts(app, &request)?;
    let CompletionRequest { sampling, ending, delivery, logprobs, echo, .. } = &request;
    let sampler = ChoiceSampler { sampling, ending, tokenizer, seed: seed_of(sampling) };
    let mut jobs = Vec::new();
    for prompt in &prompts {
        let max_tokens = room(app.limits.context, prompt.ids.len(), ending, TOKENS)?;
        for choice in 0..delivery.n {
            jobs.push(Job {
                prompt: prompt.ids.clone(),
                sampler: sampler.of_choice(choice)?,
                options: GenerateOptions { logprobs: *logprobs, ..options(ending, max_tokens) },
                prompt_logprobs: logprobs.filter(|_| *echo),
                cache_salt: delivery.cache_salt.clone(),
            });
        }
    }
    let names = TokenNames::new(tokenizer.clone(), delivery.tokens_as_ids);
    let heading = Heading::new("cmpl-", &model, &app.fingerprint);
    let choices = Choices::new(names.clone(), prompts, delivery.n, false).telling(
        logprobs.is_some(),
        delivery.token_ids,
        ending.include_stop,
    );
    let told = Told::new(heading, names, *logprobs, delivery, ending.stop_ids.clone());
    let form = Box::new(CompletionForm::new(told));
    Ok(Runnable { jobs, constraint, choices, form, delivery: delivery.clone() })
}

/// The prompts as tokens.
fn prompts(app: &App, request: &CompletionRequest) -> Result<Vec<PromptShown>, ApiError> {
    let tokenizer = app.engine.tokenizer();
    let wrong = |error: trine::model::TokenizerError| ApiError::bad("invalid_value", error.to_string()).at("prompt");
    let mut prompts = Vec::new();
    for prompt in &request.prompts {
        let mut ids = match prompt {
            PromptText::Ids(ids) => ids.clone(),
            PromptText::Text(text) => {
                let of_text = EncodeOptions { add_bos: request.add_special, ..EncodeOptions::PROMPT };
                tokenizer.encode(text, of_text).map_err(wrong)?
            }
        };
        if let Some(most) = request.truncate {
            ids.drain(..ids.len().saturating_sub(most));
        }
        if ids.is_empty() {
            let expected = "at least one token: this vocabulary puts none before a text";
            return Err(ApiError::wrong_value("prompt", "empty", expected));
        }
        let echo = request.echo.then(|| tokenizer.decode(&ids, false)).transpose().map_err(wrong)?;
        prompts.push(PromptShown { ids, echo });
    }
    Ok(prompts)
}
