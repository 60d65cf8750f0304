//! One request from its submission to its end. What belongs here: what is its own. What does not: order among requests
//! (`admission.rs`), and memory that others may use again (`prefixes.rs`).

use super::event::{End, EventKind, RequestError, Usage};
use super::prefixes::NodeId;
use super::request::RequestId;
use super::scores::Scores;
use crate::engine::{EngineLogits, Memory};
use crate::generation::{Finish, Generation, Logprobs, Next, Sampler};
use crate::network::LogitsRequest;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A request without memory.
pub(super) struct Job {
    pub id: RequestId,
    pub generation: Generation<Box<dyn Sampler>>,
    /// Log-probabilities of the tokens of the prompt so far, where they are asked for.
    pub scores: Option<Scores>,
    pub key: String,
    pub priority: i32,
    pub salt: Option<String>,
    pub deadline: Option<Duration>,
    pub submitted: Duration,
    /// Positions that it may come to have; where it does not say how many tokens it wants, those that are reserved.
    pub positions: usize,
    /// Tokens of the prompt that were not known when it was submitted.
    pub uncached: usize,
    pub usage: Usage,
}

impl Job {
    /// Tokens of the prompt.
    pub fn prompt(&self) -> &[u32] {
        self.generation.prompt()
    }

    /// The tokens that may be known from others: all but the last one, whose logits are wanted.
    pub fn shareable(&self) -> &[u32] {
        &self.prompt()[..self.prompt().len() - 1]
    }

    /// How many of the best are asked for beside each log-probability of the prompt, where these are.
    pub fn best(&self) -> Option<usize> {
        self.scores.as_ref().map(|scores| scores.best)
    }

    /// Whether what `other` computes of a beginning that both have is all that this one needs of it.
    pub fn is_served_by(&self, other: &Job) -> bool {
        self.salt == other.salt && self.best() <= other.best()
    }

    /// Tokens that were generated.
    pub fn generated(&self) -> usize {
        self.generation.generated().len()
    }

    /// Tokens to generate at most, as far as positions are reserved for them.
    pub fn wanted(&self) -> usize {
        (self.positions + 1).saturating_sub(self.prompt().len())
    }
}

/// A request that runs.
pub(super) struct Running {
    pub job: Job,
    pub memory: Memory,
    /// Positions that pages are taken for.
    pub reserved: usize,
    /// Where in the tree its last complete page is.
    pub node: NodeId,
    /// Positions before the last step.
    pub before: usize,
}

impl Running {
    /// The tokens that are in the cache, and where they are to be scored have scores.
    pub fn known(&self, scored: bool) -> &[u32] {
        let scores = self.job.scores.as_ref().map_or(0, |scores| scores.of.len() + 1);
        let len = self.memory.len();
        &self.job.generation.tokens()[..if scored { len.min(scores) } else { len }]
    }

    pub fn is_prompting(&self) -> bool {
        self.memory.len() < self.job.prompt().len()
    }

    /// The next `count` tokens that are not in the cache.
    pub fn next(&self, count: usize) -> Vec<u32> {
        self.job.generation.tokens()[self.memory.len()..][..count].to_vec()
    }

    /// Which logits of the next `count` tokens are wanted.
    pub fn wanted(&self, count: usize) -> Vec<(usize, LogitsRequest)> {
        let (done, prompt) = (self.memory.len(), self.job.prompt().len());
        let mut wanted = Vec::new();
        if self.job.scores.is_some() {
            wanted.extend((0..count).filter(|at| done + at + 1 < prompt).map(|at| (at, LogitsRequest::All)));
        }
        if done + count >= prompt {
            wanted.push((count - 1, self.job.generation.request()));
        }
        wanted
    }
}

/// What came of the logits of a step.
#[derive(Default)]
pub(super) struct Outcome {
    /// Log-probabilities of tokens of the prompt.
    pub prompt: Vec<Logprobs>,
    /// The token that was chosen.
    pub token: Option<EventKind>,
    /// Whether it was the last one, or none could be chosen.
    pub end: Option<End>,
}

impl Outcome {
    /// Takes the logits that follow token `position` of the sequence.
    pub fn take(&mut self, job: &mut Job, position: usize, logits: &EngineLogits) {
        match (job.prompt().get(position + 1).copied(), job.best()) {
            (Some(next), Some(best)) => match Logprobs::new(logits, next, best) {
                Ok(logprobs) => self.prompt.push(logprobs),
                Err(error) => self.end = Some(End::Failed(RequestError::Generation(error.into()))),
            },
            _ => self.choose(job, logits),
        }
    }

    /// Chooses a token. Whatever filters of the program's own do, other requests are not concerned.
    fn choose(&mut self, job: &mut Job, logits: &EngineLogits) {
        let advanced = catch_unwind(AssertUnwindSafe(|| job.generation.advance(logits)));
        let step = match advanced {
            Ok(Ok(step)) => step,
            Ok(Err(error)) => return self.end = Some(End::Failed(error.into())),
            Err(panic) => return self.end = Some(End::Failed(RequestError::Panic { message: said(&*panic) })),
        };
        if step.token.is_some() || !step.text.is_empty() || step.logprobs.is_some() {
            self.token = Some(EventKind::Token { token: step.token, text: step.text, logprobs: step.logprobs });
        }
        if let Next::Done(finish) = step.next {
            self.end = Some(End::Finished(finish));
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
    message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// The rest of a text that ends for a reason which its generation does not know. It may be that a stop string was held
/// back, which is the reason then.
pub(super) fn rest(job: &mut Job, finish: Finish) -> (Option<EventKind>, Finish) {
    let step = job.generation.end(finish.clone());
    let text = Some(step.text).filter(|text| !text.is_empty());
    let finish = match step.next {
        Next::Done(finish) => finish,
        Next::Feed(_) => finish,
    };
    (text.map(|text| EventKind::Token { token: None, text, logprobs: None }), finish)
}
