//! How answers are sent: how many, at once or in events, with what beside them. What does not belong here: their
//! tokens (`sampling.rs`, `ending.rs`).

use super::Limits;
use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// How answers are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Answers to each prompt.
    pub n: usize,
    /// Whether text is sent as it comes.
    pub stream: bool,
    /// Whether a last event has the numbers of tokens.
    pub include_usage: bool,
    /// Whether every event has the numbers of tokens so far.
    pub continuous_usage: bool,
    /// Whether ids of tokens are sent too.
    pub token_ids: bool,
    /// Only what was computed for requests of the same salt is used again.
    pub cache_salt: Option<String>,
    /// Requests of a smaller number go first.
    pub priority: i32,
    /// Whether tokens are named `token_id:N` where log-probabilities are sent.
    pub tokens_as_ids: bool,
}

/// Most answers to a prompt.
const MOST_CHOICES: usize = 64;

impl Delivery {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong, or asks for what there is not.
    pub fn read(fields: &mut Fields, limits: &Limits) -> Result<Delivery, ApiError> {
        let n = fields.or("n", 1, |field| field.integer(1..=MOST_CHOICES))?;
        if let Some(best) = fields.take("best_of") {
            let path = best.path().to_owned();
            if best.integer(1..=MOST_CHOICES)? != n {
                return Err(ApiError::unsupported(&path, "no more answers are generated than `n` says"));
            }
        }
        let stream = fields.or("stream", false, Field::bool)?;
        let (mut include_usage, mut continuous_usage) = (false, false);
        if let Some(options) = fields.take("stream_options") {
            let path = options.path().to_owned();
            let mut options = options.object()?;
            include_usage = options.or("include_usage", false, Field::bool)?;
            continuous_usage = options.or("continuous_usage_stats", false, Field::bool)?;
            options.opt("include_obfuscation", Field::bool)?;
            if !stream {
                return Err(ApiError::wrong_value(&path, "there", "`stream` to be true with it"));
            }
        }
        for name in ["return_progress", "timings_per_token"] {
            fields.refuse(name, &Json::Bool(false), "the last event has all numbers")?;
        }
        Ok(Delivery {
            n,
            stream,
            include_usage,
            continuous_usage,
            token_ids: fields.or("return_token_ids", false, Field::bool)?,
            cache_salt: fields.opt("cache_salt", Field::string)?,
            priority: fields.or("priority", 0, |field| priority(field, limits))?,
            tokens_as_ids: fields.or("return_tokens_as_token_ids", false, Field::bool)?,
        })
    }
}

fn priority(field: Field, limits: &Limits) -> Result<i32, ApiError> {
    let path = field.path().to_owned();
    match field.integer(i32::MIN..=i32::MAX)? {
        number if number != 0 && !limits.has_priorities => {
            Err(ApiError::unsupported(&path, "the server was started without `--policy priority`"))
        }
        number => Ok(number),
    }
}
