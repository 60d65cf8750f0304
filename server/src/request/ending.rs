//! When an answer ends: the fields that all endpoints share. What does not belong here: how its tokens are drawn
//! (`sampling.rs`).

use super::Limits;
use crate::error::ApiError;
use crate::fields::{Field, Fields};

/// When an answer ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Most tokens, where the request says it; `usize::MAX` is what the context leaves.
    pub max_tokens: Option<usize>,
    /// The field that said it.
    pub max_tokens_field: &'static str,
    /// Least tokens.
    pub min_tokens: usize,
    /// Texts that end it.
    pub stop: Vec<String>,
    /// Tokens that end it, besides those of the model.
    pub stop_ids: Vec<u32>,
    /// Whether it goes on where the model has ended it.
    pub ignore_eos: bool,
    /// Whether the text that ended it is a part of it.
    pub include_stop: bool,
}

/// Most stop strings.
const MOST_STOPS: usize = 16;

impl Ending {
    /// Takes the fields; `names` are those of the most tokens, the first of which that is there counts.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields, names: &[&'static str], limits: &Limits) -> Result<Ending, ApiError> {
        let mut ending = Ending { max_tokens_field: names[0], ..Ending::default() };
        for name in names {
            let most = fields.opt(name, |field| most_tokens(field, *name == "n_predict"))?;
            if let (Some(most), None) = (most, ending.max_tokens) {
                (ending.max_tokens, ending.max_tokens_field) = (Some(most), name);
            }
        }
        ending.stop = fields.or("stop", Vec::new(), stops)?;
        ending.stop_ids = fields.or("stop_token_ids", Vec::new(), |field| field.ids(limits.vocab))?;
        ending.ignore_eos = fields.or("ignore_eos", false, Field::bool)?;
        ending.include_stop = fields.or("include_stop_str_in_output", false, Field::bool)?;
        let path = fields.path_of("min_tokens");
        ending.min_tokens = fields.or("min_tokens", 0, |field| field.integer(0..=limits.context))?;
        if ending.max_tokens.is_some_and(|most| most < ending.min_tokens) {
            let found = ending.min_tokens.to_string();
            return Err(ApiError::wrong_value(&path, &found, &format!("at most `{}`", ending.max_tokens_field)));
        }
        if ending.min_tokens > 0 && !ending.stop.is_empty() {
            return Err(ApiError::unsupported(&path, "together with `stop`, which would end the text before"));
        }
        Ok(ending)
    }
}

fn most_tokens(field: Field, may_be_all: bool) -> Result<usize, ApiError> {
    let least = if may_be_all { -1 } else { 0 };
    let most = field.integer(least..=i64::from(u32::MAX))?;
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

fn stops(field: Field) -> Result<Vec<String>, ApiError> {
    let path = field.path().to_owned();
    let stops = field.strings(MOST_STOPS)?;
    match stops.iter().position(String::is_empty) {
        Some(_) => Err(ApiError::wrong_value(&path, "\"\"", "texts of at least one character")),
        None => Ok(stops),
    }
}
