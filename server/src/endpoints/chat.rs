//! `POST /v1/chat/completions`. What does not belong here: its fields (`request`) and the form of its answer
//! (`answer`).

use super::body::{self, Prepared};
use super::gate::Client;
use super::generate::{Runnable, respond};
use crate::answer::{ChatForm, Choices, Form, Heading, MessageParser, PromptShown, TokenNames, Told};
use crate::app::App;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::grammar::Begins;
use crate::prepare::{
    ChoiceSampler, Reading, ThoughtBudget, constraint, conversation_tokens, options, reading, room, seed_of,
};
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

/// What a request asks for.
///
/// # Errors
/// It is wrong, or asks for what the model does not have.
pub fn prepare(app: &App, fields: &mut Fields) -> Result<Runnable, ApiError> {
    let request = ChatRequest::read(fields, &app.limits)?;
    answer(app, request, "chatcmpl-", |told| Box::new(ChatForm::new(told, app.options.reasoning)))
}

/// The answer to a conversation, with a name of this prefix, in the form of an endpoint.
///
/// # Errors
/// The request asks for what the model or its template does not have.
pub fn answer(
    app: &App,
    mut request: ChatRequest,
    prefix: &str,
    form: impl FnOnce(Told) -> Box<dyn Form>,
) -> Result<Runnable, ApiError> {
    let conversation = &request.conversation;
    request.model = Some(app.model(request.model)?);
    let ids = conversation_tokens(&app.engine, app.options.tools, conversation)?;
    let reading =
        reading(&app.engine, app.options.tools, conversation, &ids, request.structured.take(), &request.ending)?;
    runnable(app, request, ids, reading, prefix, form)
        .map_err(|error| if error.param.as_deref() == Some("prompt") { error.at("messages") } else { error })
}

/// The text behind some tokens, without a template.
///
/// # Errors
/// The request asks for what the model does not have.
pub fn continued(
    app: &App,
    mut request: ChatRequest,
    ids: Vec<u32>,
    form: impl FnOnce(Told) -> Box<dyn Form>,
) -> Result<Runnable, ApiError> {
    request.model = Some(app.model(request.model)?);
    request.conversation.continue_final_message = true;
    let constraint = constraint(request.structured.take(), Begins::AtOnce, &request.ending)?;
    let reading = Reading { parser: MessageParser::new(None, None), thoughts: None, constraint };
    runnable(app, request, ids, reading, "cmpl-", form)
}

fn runnable(
    app: &App,
    request: ChatRequest,
    ids: Vec<u32>,
    reading: Reading,
    prefix: &str,
    form: impl FnOnce(Told) -> Box<dyn Form>,
) -> Result<Runnable, ApiError> {
    let ChatRequest { conversation, logprobs, sampling, ending, delivery, .. } = request;
    let Reading { parser, thoughts, constraint } = reading;
    let tokenizer = app.engine.tokenizer();
    let seed = seed_of(&sampling);
    let sampler = ChoiceSampler { sampling: &sampling, ending: &ending, tokenizer, seed };
    let max_tokens = room(app.limits.context, ids.len(), &ending, app.options.max_tokens.get())?;
    // A text of a form has no blank before it that would be left out.
    let answers = !conversation.continue_final_message && constraint.is_none();
    let budget = thoughts.zip(request.thought_budget);
    let budget = budget.map(|(thoughts, most)| ThoughtBudget::new(tokenizer, thoughts, most)).transpose()?;
    let job = |choice: usize| {
        let mut sampler = sampler.of_choice(choice)?;
        if let Some(budget) = budget.clone() {
            sampler.push_first(budget);
        }
        Ok(Job {
            prompt: ids.clone(),
            sampler,
            options: GenerateOptions { answers, logprobs, ..options(&ending, max_tokens) },
            prompt_logprobs: None,
            cache_salt: delivery.cache_salt.clone(),
        })
    };
    let jobs = (0..delivery.n).map(job).collect::<Result<_, ApiError>>()?;
    let names = TokenNames::new(tokenizer.clone(), delivery.tokens_as_ids);
    let heading = Heading::new(prefix, &request.model.unwrap_or_default(), &app.fingerprint);
    let prompts = vec![PromptShown { ids, echo: None }];
    let choices = Choices::new(names.clone(), prompts, delivery.n, answers)
        .telling(logprobs.is_some(), delivery.token_ids, ending.include_stop)
        .of_messages(&parser.telling_thoughts(request.tells_thoughts));
    let told = Told::new(heading, names, logprobs, &delivery, ending.stop_ids);
    Ok(Runnable { jobs, constraint, choices, form: form(told), delivery })
}
