//! The numbers beside an answer: of tokens, and how long they took. What does not belong here: counting them.

use serde::Serialize;
use std::time::Duration;

/// Numbers of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of the prompts, each once.
    pub prompt_tokens: usize,
    /// Of all choices, with the tokens that ended them.
    pub completion_tokens: usize,
    /// The sum.
    pub total_tokens: usize,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct PromptDetails {
    cached_tokens: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct CompletionDetails {
    reasoning_tokens: usize,
}

impl Usage {
    /// These tokens, of which `cached` ones of the prompts were in the cache.
    pub fn new(prompt: usize, completion: usize, cached: usize) -> Usage {
        Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            prompt_tokens_details: PromptDetails { cached_tokens: cached },
            completion_tokens_details: CompletionDetails::default(),
        }
    }

    /// The same where so many tokens of the choices were thoughts.
    #[must_use]
    pub fn with_reasoning(self, reasoning: usize) -> Usage {
        Usage { completion_tokens_details: CompletionDetails { reasoning_tokens: reasoning }, ..self }
    }

    /// Tokens of the prompts that were in the cache.
    pub fn cached(&self) -> usize {
        self.prompt_tokens_details.cached_tokens
    }

    /// Tokens of thoughts.
    pub fn reasoning(&self) -> usize {
        self.completion_tokens_details.reasoning_tokens
    }
}

/// How long an answer took, under llama.cpp's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timings {
    cache_n: usize,
    prompt_n: usize,
    prompt_ms: f64,
    prompt_per_second: f64,
    predicted_n: usize,
    predicted_ms: f64,
    predicted_per_second: f64,
    queue_ms: f64,
}

impl Timings {
    /// From the time in the queue, that of the prompts, and that of the tokens.
    pub fn new(usage: Usage, queue: Duration, prompt: Duration, predicted: Duration) -> Timings {
        let per_second = |count: usize, time: Duration| {
            if time.is_zero() { 0.0 } else { rounded(count as f64 / time.as_secs_f64()) }
        };
        let cache_n = usage.prompt_tokens_details.cached_tokens;
        let (prompt_n, predicted_n) = (usage.prompt_tokens - cache_n, usage.completion_tokens);
        Timings {
            cache_n,
            prompt_n,
            prompt_ms: rounded(prompt.as_secs_f64() * 1e3),
            prompt_per_second: per_second(prompt_n, prompt),
            predicted_n,
            predicted_ms: rounded(predicted.as_secs_f64() * 1e3),
            predicted_per_second: per_second(predicted_n, predicted),
            queue_ms: rounded(queue.as_secs_f64() * 1e3),
        }
    }

    /// Nanoseconds of the prompts, of the tokens, and of all.
    pub fn nanoseconds(&self) -> [u64; 3] {
        let all = self.queue_ms + self.prompt_ms + self.predicted_ms;
        [self.prompt_ms, self.predicted_ms, all].map(|ms| (ms * 1e6) as u64)
    }
}

/// To thousandths.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
