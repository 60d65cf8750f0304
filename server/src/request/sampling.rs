//! How the tokens of an answer are drawn: the fields that all endpoints share. What does not belong here: when an
//! answer ends (`ending.rs`).

use super::Limits;
use crate::error::ApiError;
use crate::fields::{Field, Fields};

/// How tokens are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    /// 1 keeps all.
    pub top_p: f32,
    /// 0 keeps all.
    pub top_k: usize,
    /// 0 keeps all.
    pub min_p: f32,
    /// Taken from the logit of a token as often as it was generated.
    pub frequency_penalty: f32,
    /// Taken once from the logit of a token that was generated.
    pub presence_penalty: f32,
    /// Divides the logits of tokens of the prompt and the answer.
    pub repetition_penalty: f32,
    /// Added to logits; minus infinity excludes.
    pub bias: Vec<(u32, f32)>,
    /// The only tokens that may be drawn.
    pub allowed: Option<Vec<u32>>,
    /// Texts that are not to occur.
    pub bad_words: Vec<String>,
    /// Where the draws start; none is anywhere.
    pub seed: Option<i64>,
}

/// The bias that excludes a token, and the largest.
const MOST_BIAS: f32 = 100.0;

impl Sampling {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields, limits: &Limits) -> Result<Sampling, ApiError> {
        let defaults = limits.sampling;
        let vocab = limits.vocab;
        Ok(Sampling {
            temperature: fields.or("temperature", defaults.temperature, |field| field.number(0.0..=100.0))?,
            top_p: fields.or("top_p", defaults.top_p, |field| field.number(0.0..=1.0))?,
            top_k: fields.or("top_k", defaults.top_k, top_k)?,
            min_p: fields.or("min_p", defaults.min_p, |field| field.number(0.0..=1.0))?,
            frequency_penalty: fields.or("frequency_penalty", 0.0, |field| field.number(-2.0..=2.0))?,
            presence_penalty: fields.or("presence_penalty", 0.0, |field| field.number(-2.0..=2.0))?,
            repetition_penalty: fields.or("repetition_penalty", 1.0, |field| field.number(0.01..=100.0))?,
            bias: fields.or("logit_bias", Vec::new(), |field| biases(field, vocab))?,
            allowed: fields.opt("allowed_token_ids", |field| allowed(field, vocab))?,
            bad_words: fields.or("bad_words", Vec::new(), |field| field.strings(256))?,
            seed: fields.opt("seed", |field| field.integer(i64::MIN..=i64::MAX))?,
        })
    }

    /// Whether the likeliest token is always taken.
    pub fn is_greedy(&self) -> bool {
        self.temperature == 0.0 || self.top_p == 0.0 || self.top_k == 1
    }
}

/// A number of tokens, of which -1 and 0 are all.
fn top_k(field: Field) -> Result<usize, ApiError> {
    let count = field.integer(-1..=i64::from(u32::MAX))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn allowed(field: Field, vocab: usize) -> Result<Vec<u32>, ApiError> {
    if matches!(field.value(), crate::json::Json::Array(items) if items.is_empty()) {
        return field.out_of_range("at least one id");
    }
    field.ids(vocab)
}

/// `{"id": bias}`.
fn biases(field: Field, vocab: usize) -> Result<Vec<(u32, f32)>, ApiError> {
    let mut fields = field.object()?;
    let names: Vec<String> = fields.names().map(str::to_owned).collect();
    let mut biases = Vec::new();
    for name in names {
        let path = fields.path_of(&name);
        let id = name.parse::<u32>().ok().filter(|id| (*id as usize) < vocab);
        let id = id.ok_or_else(|| {
            let expected = format!("ids of tokens from 0 to {} as names of fields", vocab.saturating_sub(1));
            ApiError::wrong_value(&path, "there", &expected)
        })?;
        let bias = fields.require(&name)?.number(-MOST_BIAS..=MOST_BIAS)?;
        biases.push((id, if bias == -MOST_BIAS { f32::NEG_INFINITY } else { bias }));
    }
    Ok(biases)
}
