//! Answers of `/v1/completions`: text and the old form of log-probabilities. What does not belong here: conversations
//! (`chat.rs`).

use super::choices::{Part, PartToken};
use super::told::Told;
use super::usage::{Timings, Usage};
use super::{Events, Form, StopReason};
use crate::error::ApiError;
use serde::Serialize;
use std::collections::BTreeMap;
use trine::model::{Logprobs, TokenLogprob};

/// Writes completions down.
#[derive(Debug)]
pub struct CompletionForm(Told);

const OBJECT: &str = "text_completion";

#[derive(Serialize)]
struct Choice<'c> {
    index: usize,
    text: &'c str,
    logprobs: Option<OldLogprobs>,
    finish_reason: Option<&'static str>,
    stop_reason: Option<StopReason<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_ids: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_token_ids: Option<&'c [u32]>,
}

#[derive(Serialize)]
struct OldLogprobs {
    tokens: Vec<String>,
    token_logprobs: Vec<Option<f32>>,
    top_logprobs: Vec<Option<BTreeMap<String, f32>>>,
    text_offset: Vec<usize>,
}

impl CompletionForm {
    /// For an answer that is told so much.
    pub fn new(told: Told) -> CompletionForm {
        CompletionForm(told)
    }

    fn choice<'c>(&self, index: usize, part: &'c Part) -> Choice<'c> {
        let (finish_reason, stop_reason) = self.0.end(part);
        Choice {
            index,
            text: &part.text,
            logprobs: self.0.logprobs.map(|best| self.old_logprobs(&part.tokens, best)),
            finish_reason,
            stop_reason,
            token_ids: self.0.ids(part),
            prompt_token_ids: part.prompt_ids.as_deref(),
        }
    }

    fn old_logprobs(&self, tokens: &[PartToken], best: usize) -> OldLogprobs {
        let name = |id: u32| self.0.names.unique(id);
        let top = |logprobs: &Logprobs| {
            let told = logprobs.best.iter().take(best).chain([&logprobs.chosen]);
            told.map(|TokenLogprob { id, logprob }| (name(*id), json_number(*logprob))).collect()
        };
        OldLogprobs {
            tokens: tokens.iter().map(|token| name(token.id)).collect(),
            token_logprobs: tokens
                .iter()
                .map(|token| token.logprobs.as_ref().map(|logprobs| json_number(logprobs.chosen.logprob)))
                .collect(),
            top_logprobs: tokens.iter().map(|token| token.logprobs.as_ref().map(top)).collect(),
            text_offset: tokens.iter().map(|token| token.offset).collect(),
        }
    }
}

/// A log-probability as JSON has it: as an `f32`, of which each text of one is the same number.
pub(super) fn json_number(logprob: f64) -> f32 {
    // JSON has no infinity; this is below any logarithm of a probability.
    (logprob as f32).max(-1e30)
}

impl Form for CompletionForm {
    fn part(&mut self, index: usize, part: &Part, usage: Usage, out: &mut Events) {
        self.0.event(OBJECT, self.choice(index, part), usage, out);
    }

    fn end(&mut self, usage: Usage, timings: Timings, out: &mut Events) {
        self.0.last::<Choice<'_>>(OBJECT, usage, timings, out);
    }

    fn fail(&mut self, error: &ApiError, out: &mut Events) {
        Told::fail(error, out);
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String {
        let choices = choices.iter().enumerate().map(|(index, part)| self.choice(index, part)).collect();
        self.0.end_of_all(OBJECT, choices, usage, timings)
    }
}
