//! Answers of `/v1/completions`: text and the old form of log-probabilities. What does not belong here: conversations
//! (`chat.rs`).

use super::choices::{Part, PartToken};
use super::names::TokenNames;
use super::usage::{Timings, Usage};
use super::{Form, Heading, finish_reason, stop_reason};
use serde::Serialize;
use std::collections::BTreeMap;
use trine::model::{Logprobs, TokenLogprob};

/// Writes completions down.
#[derive(Debug)]
pub struct CompletionForm {
    heading: Heading,
    names: TokenNames,
    /// The likeliest tokens that are told of each, where log-probabilities are.
    logprobs: Option<usize>,
    with_ids: bool,
    /// Whether events have a field for the numbers of tokens.
    with_usage: bool,
    stop_ids: Vec<u32>,
}

#[derive(Serialize)]
struct Body<'b> {
    id: &'b str,
    object: &'static str,
    created: u64,
    model: &'b str,
    system_fingerprint: &'b str,
    choices: Vec<Choice<'b>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings: Option<Timings>,
}

#[derive(Serialize)]
struct Choice<'c> {
    index: usize,
    text: &'c str,
    logprobs: Option<OldLogprobs>,
    finish_reason: Option<&'static str>,
    stop_reason: Option<super::StopReason<'c>>,
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
    /// For an answer with this heading.
    pub fn new(heading: Heading, names: TokenNames, logprobs: Option<usize>, stop_ids: Vec<u32>) -> CompletionForm {
        CompletionForm { heading, names, logprobs, with_ids: false, with_usage: false, stop_ids }
    }

    /// The same with ids of tokens, or with a field for the numbers of tokens in events.
    #[must_use]
    pub fn telling(self, with_ids: bool, with_usage: bool) -> CompletionForm {
        CompletionForm { with_ids, with_usage, ..self }
    }

    fn choice<'c>(&self, index: usize, part: &'c Part) -> Choice<'c> {
        Choice {
            index,
            text: &part.text,
            logprobs: self.logprobs.map(|best| self.old_logprobs(&part.tokens, best)),
            finish_reason: part.finish.as_ref().map(finish_reason),
            stop_reason: part.finish.as_ref().and_then(|finish| stop_reason(finish, &self.stop_ids)),
            token_ids: self.with_ids.then(|| part.tokens.iter().map(|token| token.id).collect()),
            prompt_token_ids: part.prompt_ids.as_deref(),
        }
    }

    fn old_logprobs(&self, tokens: &[PartToken], best: usize) -> OldLogprobs {
        let name = |id: u32| self.names.unique(id);
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

    fn body(&self, choices: Vec<Choice<'_>>, usage: Option<Option<Usage>>, timings: Option<Timings>) -> String {
        let Heading { id, created, model, fingerprint, .. } = &self.heading;
        let body = Body {
            id,
            object: "text_completion",
            created: *created,
            model,
            system_fingerprint: fingerprint,
            choices,
            usage,
            timings,
        };
        super::to_line(&body)
    }
}

/// A log-probability as JSON has it: as an `f32`, of which each text of one is the same number.
pub(super) fn json_number(logprob: f64) -> f32 {
    // JSON has no infinity; this is below any logarithm of a probability.
    (logprob as f32).max(-1e30)
}

impl Form for CompletionForm {
    fn events(&mut self, index: usize, part: &Part, usage: Option<Usage>) -> Vec<String> {
        let usage = self.with_usage.then_some(usage);
        vec![self.body(vec![self.choice(index, part)], usage, None)]
    }

    fn last(&mut self, usage: Usage, timings: Timings) -> String {
        self.body(Vec::new(), Some(Some(usage)), Some(timings))
    }

    fn whole(&mut self, choices: &[Part], usage: Usage, timings: Timings) -> String {
        let choices = choices.iter().enumerate().map(|(index, part)| self.choice(index, part)).collect();
        self.body(choices, Some(Some(usage)), Some(timings))
    }
}
