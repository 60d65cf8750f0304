//! How tokens are drawn and when texts end, as Python says it. What does not belong here: what a filter does.

use crate::errors::other;
use pyo3::prelude::*;
use trine::model::{Advice, Engine, GenerateOptions, SamplerChain, SamplerOptions};

/// Options of texts. What is not given is as the publisher of the model says, or as the `trine` command has it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Asked {
    max_tokens: Option<usize>,
    temperature: Option<f32>,
    top_k: Option<usize>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    repetition_penalty: f32,
    frequency_penalty: f32,
    presence_penalty: f32,
    logit_bias: Vec<(u32, f32)>,
    seed: u64,
    stop: Vec<String>,
    stop_ids: Vec<u32>,
    ignore_eos: bool,
    logprobs: Option<usize>,
    answers: bool,
}

impl Asked {
    /// The sampler of a text, at the beginning of its draws.
    ///
    /// # Errors
    /// An option is out of its range.
    pub fn sampler(&self, engine: &Engine) -> PyResult<SamplerChain> {
        let usual = match Advice::of(engine.config()) {
            Some(Advice { temperature, top_k, top_p, min_p, .. }) => {
                SamplerOptions { temperature, top_k, top_p, min_p, ..SamplerOptions::default() }
            }
            None => SamplerOptions::default(),
        };
        let vocab = engine.config().dims.vocab;
        if let Some((id, _)) = self.logit_bias.iter().find(|(id, _)| *id as usize >= vocab) {
            return Err(other(format!("logit_bias has token {id}, and the vocabulary has {vocab} tokens")));
        }
        let options = SamplerOptions {
            temperature: self.temperature.unwrap_or(usual.temperature),
            top_k: self.top_k.unwrap_or(usual.top_k),
            top_p: self.top_p.unwrap_or(usual.top_p),
            min_p: self.min_p.unwrap_or(usual.min_p),
            repetition_penalty: self.repetition_penalty,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            logit_bias: self.logit_bias.clone(),
            seed: self.seed,
            ..usual
        };
        SamplerChain::new(options).map_err(other)
    }

    /// When a text ends for which there are so many positions.
    pub fn ending(&self, left: usize) -> GenerateOptions {
        let usual = GenerateOptions::default();
        GenerateOptions {
            max_tokens: self.max_tokens.unwrap_or_else(|| usual.max_tokens.min(left)),
            stop_strings: self.stop.clone(),
            stop_ids: self.stop_ids.clone(),
            stop_at_end_of_text: !self.ignore_eos,
            answers: self.answers,
            logprobs: self.logprobs,
            ..usual
        }
    }
}
