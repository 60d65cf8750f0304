//! From a request to jobs: tokens, samplers, the room that the context leaves.
//!
//! What belongs here: everything that can refuse a request before its first byte is sent. What does not: the fields of
//! a request (`request`), and HTTP.

mod calls;
mod conversation;
mod fallback;
mod filters;
mod grammar;
mod message;
mod sampler;

pub use conversation::conversation_tokens;
pub use filters::ThoughtBudget;
pub use grammar::constraint;
pub use message::{Reading, reading};
pub use sampler::{ChoiceSampler, seed_of};

use crate::error::ApiError;
use crate::request::Ending;
use trine::model::GenerateOptions;

/// When a choice of up to `max_tokens` tokens ends. Nothing of it is guessed: the scheduler decides what a step brings.
pub fn options(ending: &Ending, max_tokens: usize) -> GenerateOptions {
    GenerateOptions {
        max_tokens,
        stop_strings: ending.stop.clone(),
        stop_ids: ending.stop_ids.clone(),
        stop_at_end_of_text: !ending.ignore_eos,
        ..GenerateOptions::default()
    }
}

/// Most tokens of an answer to a prompt of `prompt` tokens, where `default` are allowed unless the request says it.
///
/// # Errors
/// The context has fewer positions than prompt and answer.
pub fn room(context: usize, prompt: usize, ending: &Ending, default: usize) -> Result<usize, ApiError> {
    let left = context.saturating_sub(prompt);
    let (asked, field) = match ending.max_tokens {
        Some(usize::MAX) => (left, "prompt"),
        Some(asked) => (asked, ending.max_tokens_field),
        None => (default.min(left), "prompt"),
    };
    if prompt > context || asked > left {
        let field = if prompt > context { "prompt" } else { field };
        return Err(ApiError::context_length(context, prompt, asked, field));
    }
    Ok(asked)
}
