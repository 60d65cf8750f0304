//! What the answers of both endpoints have in common: what is told of a part, and the object around choices. What does
//! not belong here: the choices themselves (`chat.rs`, `completion.rs`).

use super::choices::Part;
use super::names::TokenNames;
use super::usage::{Timings, Usage};
use super::{Heading, StopReason, finish_reason, stop_reason};
use serde::Serialize;

/// What a request is told.
#[derive(Debug)]
pub struct Told {
    /// What every part of the answer begins with.
    pub heading: Heading,
    /// The texts of tokens.
    pub names: TokenNames,
    /// The likeliest tokens that are told of each, where log-probabilities are.
    pub logprobs: Option<usize>,
    /// Whether the ids of tokens are told.
    pub with_ids: bool,
    /// Whether events have a field for the numbers of tokens.
    pub with_usage: bool,
    /// The tokens that the request has named as its ends.
    pub stop_ids: Vec<u32>,
}

#[derive(Serialize)]
struct Body<'b, C> {
    id: &'b str,
    object: &'static str,
    created: u64,
    model: &'b str,
    system_fingerprint: &'b str,
    choices: Vec<C>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings: Option<Timings>,
}

impl Told {
    /// The ids of the tokens of a part, where they are told.
    pub(super) fn ids(&self, part: &Part) -> Option<Vec<u32>> {
        self.with_ids.then(|| part.tokens.iter().map(|token| token.id).collect())
    }

    /// Why a part is the last one of its choice, and what of the request ended it.
    pub(super) fn end<'c>(&self, part: &'c Part) -> (Option<&'static str>, Option<StopReason<'c>>) {
        let finish = part.finish.as_ref();
        (finish.map(finish_reason), finish.and_then(|finish| stop_reason(finish, &self.stop_ids)))
    }

    /// An event with one choice; `usage` are the tokens so far.
    pub(super) fn event(&self, object: &'static str, choice: impl Serialize, usage: Option<Usage>) -> String {
        self.body(object, vec![choice], self.with_usage.then_some(usage), None)
    }

    /// An answer, or the last event, which has no choices.
    pub(super) fn end_of_all(
        &self,
        object: &'static str,
        choices: Vec<impl Serialize>,
        usage: Usage,
        timings: Timings,
    ) -> String {
        self.body(object, choices, Some(Some(usage)), Some(timings))
    }

    fn body(
        &self,
        object: &'static str,
        choices: Vec<impl Serialize>,
        usage: Option<Option<Usage>>,
        timings: Option<Timings>,
    ) -> String {
        let Heading { id, created, model, fingerprint } = &self.heading;
        let (created, system_fingerprint) = (*created, fingerprint.as_str());
        super::to_line(&Body { id, object, created, model, system_fingerprint, choices, usage, timings })
    }
}
