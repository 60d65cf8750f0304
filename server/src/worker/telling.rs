//! What the events of a scheduler mean to the client of a choice. What does not belong here: their JSON (`answer`).

use super::counting::Counting;
use super::job::{Event, Reporter};
use crate::error::ApiError;
use axum::http::StatusCode;
use std::time::{Duration, Instant};
use trine::model::{End, EventKind, Finish, GenerationError, Logprobs, Refused, RequestError, SamplerError, Usage};

/// What was told of a choice.
#[derive(Debug)]
pub struct Told {
    index: usize,
    reporter: Reporter,
    arrived: Instant,
    last_token: Option<Instant>,
    is_admitted: bool,
    prompt: Vec<Logprobs>,
    /// Text and log-probabilities behind the last token, until it is known what they are.
    rest: (String, Option<Logprobs>),
}

impl Told {
    /// Nothing yet.
    pub fn new(index: usize, reporter: Reporter, arrived: Instant) -> Told {
        Told {
            index,
            reporter,
            arrived,
            last_token: None,
            is_admitted: false,
            prompt: Vec::new(),
            rest: (String::new(), None),
        }
    }

    /// Whether nobody listens any more.
    pub fn is_gone(&self) -> bool {
        self.reporter.is_gone()
    }

    /// Whether it has begun.
    pub fn is_admitted(&self) -> bool {
        self.is_admitted
    }

    /// Tells that it cannot go on.
    pub fn fail(&self, error: ApiError) {
        self.reporter.tell(self.index, Event::Failed(error));
    }

    /// Tells an event; true where it was the last.
    pub fn take(&mut self, kind: EventKind, counting: &Counting) -> bool {
        match kind {
            EventKind::Admitted { cached } => {
                self.is_admitted = true;
                self.tell(Event::Started { cached, at: Instant::now() });
            }
            EventKind::Prompt { done, of, logprobs } => {
                self.prompt.extend(logprobs);
                if done == of {
                    let logprobs = std::mem::take(&mut self.prompt);
                    self.tell(Event::Prompt(logprobs));
                }
            }
            EventKind::Token { token: Some(id), text, logprobs } => self.token(id, text, logprobs, true, counting),
            // What ended the text, and what was held back of it.
            EventKind::Token { token: None, text, logprobs } => self.rest = (text, logprobs),
            EventKind::Done { end, usage } => {
                self.end(end, &usage, counting);
                return true;
            }
            _ => {}
        }
        false
    }

    fn tell(&self, event: Event) {
        self.reporter.tell(self.index, event);
    }

    fn token(&mut self, id: u32, text: String, logprobs: Option<Logprobs>, is_shown: bool, counting: &Counting) {
        let now = Instant::now();
        counting.token(self.last_token.map(|last| now - last), now - self.arrived);
        self.last_token = Some(now);
        self.tell(Event::Token { id, text, logprobs, is_shown, at: now });
    }

    fn end(&mut self, end: End, usage: &Usage, counting: &Counting) {
        let (text, logprobs) = std::mem::take(&mut self.rest);
        let finish = match end {
            End::Finished(finish) => finish,
            End::Expired if self.last_token.is_some() => Finish::MaxTokens,
            End::Cancelled => return,
            other => {
                counting.ended("error", usage);
                return self.fail(of_end(other));
            }
        };
        if let Finish::Token(id) = finish {
            self.token(id, String::new(), logprobs, false, counting);
        }
        let reason = match finish {
            Finish::Token(_) | Finish::StopString(_) => "stop",
            _ => "length",
        };
        counting.ended(reason, usage);
        self.tell(Event::Done { text, finish, at: Instant::now() });
    }
}

/// Why a choice ended that has no text.
fn of_end(end: End) -> ApiError {
    match end {
        End::Draining => ApiError::unavailable("draining", "the server is being stopped"),
        End::Expired => {
            let message = "the request was not begun within its time";
            ApiError::protocol(StatusCode::REQUEST_TIMEOUT, "timeout", message)
        }
        End::Failed(RequestError::Generation(GenerationError::Sampler(error @ SamplerError::NoCandidate { .. }))) => {
            ApiError::bad("invalid_value", format!("the request excludes all tokens: {error}"))
        }
        End::Failed(RequestError::Generation(GenerationError::Sampler(SamplerError::Filter { message }))) => {
            ApiError::bad("invalid_schema", message)
        }
        End::Failed(error) => ApiError::internal(error.to_string()),
        _ => ApiError::internal("the request was ended"),
    }
}

/// Why the choices of a request are not taken.
pub fn of_refusal(refusal: &Refused) -> ApiError {
    let ms = refusal.retry_after().map_or(1000, |wait: Duration| wait.as_millis() as u64);
    match refusal {
        Refused::QueueFull { .. } | Refused::Busy { .. } => ApiError::too_many("queue_full", refusal.to_string(), ms),
        Refused::KeyLimit { .. } => ApiError::too_many("key_limit", refusal.to_string(), ms),
        Refused::Draining => ApiError::unavailable("draining", refusal.to_string()),
        Refused::ContextLength { context, prompt, max_tokens } => {
            ApiError::context_length(*context, *prompt, *max_tokens, "prompt")
        }
        Refused::EmptyPrompt | Refused::TooLarge { .. } => ApiError::bad("invalid_value", refusal.to_string()),
        _ => ApiError::internal(refusal.to_string()),
    }
}
