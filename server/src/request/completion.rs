//! `POST /v1/completions`. What does not belong here: fields that other endpoints have too.

use super::{Delivery, Ending, Limits, Sampling, Structured};
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// A prompt as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptText {
    /// A text.
    Text(String),
    /// Ids of tokens.
    Ids(Vec<u32>),
}

/// Texts to be continued.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletionRequest {
    /// The model that is asked, as the client names it.
    pub model: Option<String>,
    /// The prompts, of which there is at least one.
    pub prompts: Vec<PromptText>,
    /// Whether the answers begin with the prompts.
    pub echo: bool,
    /// Log-probabilities of each token and of so many of the likeliest.
    pub logprobs: Option<usize>,
    /// Whether BOS is put before a text.
    pub add_special: bool,
    /// The tokens at the end of a prompt that are kept.
    pub truncate: Option<usize>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// The form that answers have to have.
    pub structured: Option<Structured>,
    /// When answers end.
    pub ending: Ending,
    /// How they are sent.
    pub delivery: Delivery,
}

/// Most prompts of a request.
const MOST_PROMPTS: usize = 64;

/// Most of the likeliest tokens.
const MOST_LOGPROBS: usize = 100;

impl CompletionRequest {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn read(fields: &mut Fields, limits: &Limits) -> Result<CompletionRequest, ApiError> {
        let model = fields.opt("model", Field::string)?;
        let prompts = prompts(fields.require("prompt")?, limits.vocab)?;
        let logprobs = fields.take_any(&["logprobs", "n_probs"]);
        let logprobs = logprobs.map(|field| field.integer(0..=MOST_LOGPROBS)).transpose()?;
        let request = CompletionRequest {
            model,
            prompts,
            echo: fields.or("echo", false, Field::bool)?,
            logprobs,
            add_special: fields.or("add_special_tokens", true, Field::bool)?,
            truncate: fields.opt("truncate_prompt_tokens", |field| field.integer(1..=limits.context))?,
            sampling: Sampling::read(fields, limits)?,
            structured: Structured::read(fields)?,
            ending: Ending::read(fields, &["max_tokens", "n_predict"], limits)?,
            delivery: Delivery::read(fields, limits)?,
        };
        refuse_what_is_not_there(fields)?;
        Ok(request)
    }
}

/// Fields that change what a text is, and that nothing here honours. Those that change only how fast it comes are read
/// and have no effect.
fn refuse_what_is_not_there(fields: &mut Fields) -> Result<(), ApiError> {
    let no_middle = "this vocabulary has no tokens for filling in the middle of a text";
    fields.refuse("suffix", &Json::from(""), no_middle)?;
    fields.refuse("skip_special_tokens", &Json::Bool(true), "control tokens are no part of a text")?;
    let per_choice = "`echo` with `logprobs` has those of the prompt";
    fields.refuse("prompt_logprobs", &Json::Null, per_choice)?;
    fields.opt("cache_prompt", Field::bool)?;
    Ok(())
}

/// The texts of a request.
pub(super) fn prompts(field: Field, vocab: usize) -> Result<Vec<PromptText>, ApiError> {
    const EXPECTED: &str = "a string, an array of strings, an array of token ids, or an array of such arrays";
    let items = match field.value() {
        Json::String(_) => return Ok(vec![PromptText::Text(field.string()?)]),
        Json::Array(items) => items,
        _ => return field.expected(EXPECTED),
    };
    match items.first() {
        None => field.out_of_range("at least one prompt"),
        Some(Json::Number(_)) => Ok(vec![PromptText::Ids(field.ids(vocab)?)]),
        Some(Json::String(_) | Json::Array(_)) if items.len() > MOST_PROMPTS => {
            field.out_of_range(&format!("at most {MOST_PROMPTS} prompts"))
        }
        Some(Json::String(_)) => field.array()?.into_iter().map(|item| Ok(PromptText::Text(item.string()?))).collect(),
        Some(Json::Array(_)) => field.array()?.into_iter().map(|item| Ok(PromptText::Ids(item.ids(vocab)?))).collect(),
        Some(_) => field.expected(EXPECTED),
    }
}
