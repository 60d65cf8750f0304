//! `POST /v1/chat/completions`. What does not belong here: its fields (`request`) and the form of its answer
//! (`answer`).

use super::body::{self, Prepared};
use super::gate::Client;
use super::generate::{Runnable, respond};
use crate::answer::{ChatForm, Choices, Heading, PromptShown, TokenNames, Told};
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::prepare::{ChoiceSampler, conversation_tokens, options, refuse_form, room, seed_of};
use crate::request::ChatRequest;
use crate::worker::Job;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use std::sync::Arc;
use trine::model::GenerateOptions;

/// Answers a conversation.
pub async fn chat(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let Prepared { value, ignored } = body::prepare(&app, request, prepare).await?;
    respond(&app, client, value, &ignored).await
}

fn prepare(app: &App, fields: &mut Fields) -> Result<Runnable, ApiError> {
    let ChatRequest { model, conversation, logprobs, sampling, structured, ending, delivery } =
        ChatRequest::read(fields, &app.limits)?;
    refuse_form(structured.as_ref())?;
    let model = app.model(model)?;
    let ids = conversation_tokens(&app.engine, &conversation)?;
    let tokenizer = app.engine.tokenizer();
    let seed = seed_of(&sampling);
    let sampler = ChoiceSampler { sampling: &sampling, ending: &ending, tokenizer, seed };
    let max_tokens = room(app.limits.context, ids.len(), &ending, app.options.max_tokens.get())
        .map_err(|error| if error.param.as_deref() == Some("prompt") { error.at("messages") } else { error })?;
    let job = |choice: usize| {
        Ok(Job {
            prompt: ids.clone(),
            sampler: sampler.of_choice(choice)?,
            options: GenerateOptions {
                answers: !conversation.continue_final_message,
                logprobs,
                ..options(&ending, max_tokens)
            },
            prompt_logprobs: None,
            cache_salt: delivery.cache_salt.clone(),
        })
    };
    let jobs = (0..delivery.n).map(job).collect::<Result<_, ApiError>>()?;
    let names = TokenNames::new(tokenizer.clone(), delivery.tokens_as_ids);
    let heading = Heading::new("chatcmpl-", &model, &app.fingerprint);
    let prompts = vec![PromptShown { ids, echo: None }];
    let choices = Choices::new(names.clone(), prompts, delivery.n, true).telling(
        logprobs.is_some(),
        delivery.token_ids,
        ending.include_stop,
    );
    let (with_ids, with_usage) = (delivery.token_ids, delivery.has_usage());
    let told = Told { heading, names, logprobs, with_ids, with_usage, stop_ids: ending.stop_ids };
    let form = Box::new(ChatForm::new(told));
    Ok(Runnable { jobs, choices, form, delivery })
}
