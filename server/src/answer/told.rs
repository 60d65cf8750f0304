//! What the answers of both endpoints have in common: what is told of a part, and the object around choices. What does
//! not belong here: the choices themselves (`chat.rs`, `completion.rs`).

use super::choices::Part;
use super::names::TokenNames;
use super::usage::{Timings, Usage};
use super::{Events, Heading, StopReason, finish_reason, stop_reason};
use crate::error::ApiError;
use crate::request::Delivery;
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
    /// Whether a last event has the numbers of tokens.
    pub include_usage: bool,
    /// Whether every event has the numbers of tokens so far.
    pub continuous_usage: bool,
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
    /// What a request is told that is sent so.
    pub fn new(
        heading: Heading,
        names: TokenNames,
        logprobs: Option<usize>,
        delivery: &Delivery,
        stop_ids: Vec<u32>,
    ) -> Told {
        let &Delivery { token_ids: with_ids, include_usage, continuous_usage, .. } = delivery;
        Told { heading, names, logprobs, with_ids, include_usage, continuous_usage, stop_ids }
    }

    /// The ids of the tokens of a part, where they are told.
    pub(super) fn ids(&self, part: &Part) -> Option<Vec<u32>> {
        self.with_ids.then(|| part.tokens.iter().map(|token| token.id).collect())
    }

    /// Why a part is the last one of its choice, and what of the request ended it.
    pub(super) fn end<'c>(&self, part: &'c Part) -> (Option<&'static str>, Option<StopReason<'c>>) {
        let finish = part.finish.as_ref();
        let reason = |finish| match finish_reason(finish) {
            "stop" if part.has_calls => "tool_calls",
            other => other,
        };
        (finish.map(reason), finish.and_then(|finish| stop_reason(finish, &self.stop_ids)))
    }

    /// Writes an event with one choice; `usage` are the tokens so far.
    pub(super) fn event(&self, object: &'static str, choice: impl Serialize, usage: Usage, out: &mut Events) {
        let has_usage = self.include_usage || self.continuous_usage;
        let usage = has_usage.then(|| self.continuous_usage.then_some(usage));
        out.data(&self.body(object, vec![choice], usage, None));
    }

    /// Writes the last events: one without choices, where it is asked for, and the end of all.
    pub(super) fn last<C: Serialize>(&self, object: &'static str, usage: Usage, timings: Timings, out: &mut Events) {
        if self.include_usage {
            out.data(&self.end_of_all(object, Vec::<C>::new(), usage, timings));
        }
        out.data("[DONE]");
    }

    /// Writes an error, which clients raise, and the end of all.
    pub(super) fn fail(error: &ApiError, out: &mut Events) {
        out.data(&error.body());
        out.data("[DONE]");
    }

    /// An answer with all its choices.
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
