//! A generation driven by a session, with a callback for its text. What belongs here: the loop, and the time that it
//! takes. What does not: its decisions (`state.rs`).

use super::logprobs::Logprobs;
use super::sampler::Sampler;
use super::state::{Finish, GenerateOptions, Generation, GenerationError, Next};
use super::{Session, SessionError};
use crate::network::{Logits, LogitsRequest};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use trine_shapes::Model;
use trine_text::Tokenizer;

/// What a generation did.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The tokens, without the one that ended it.
    pub tokens: Vec<u32>,
    /// Log-probabilities of every chosen token, the one that ended it included, where options ask for them.
    pub logprobs: Vec<Logprobs>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt that were processed, and the time they took.
    pub prompt: (usize, Duration),
    /// Single steps, and the time they took.
    pub decode: (usize, Duration),
}

/// A prompt that cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prompt is empty, does not fit, or has ids beyond the vocabulary.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No token can be chosen, or it has no text.
    #[error(transparent)]
    Generation(#[from] GenerationError),
}

impl<M: Model> Session<M> {
    /// Appends tokens and returns the logits that are asked for, of those that follow the last one.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_for(&mut self, ids: &[u32], request: LogitsRequest) -> Result<Logits, SessionError> {
        let logits = self.feed_while(ids, request, &mut || ControlFlow::Continue(()))?;
        Ok(logits.expect("nothing interrupts it"))
    }

    /// Generates what follows `prompt`. After each token `on_text` gets the text that became complete with it, often
    /// none; it is also asked, with no text, after each batch of a long prompt.
    ///
    /// Where the prompt begins with the tokens of the session, as a growing conversation does, only the rest of it is
    /// processed.
    ///
    /// # Errors
    /// [`GenerateError`] where the prompt is empty, does not fit, or has ids beyond the vocabulary.
    pub fn generate(
        &mut self,
        prompt: &[u32],
        tokenizer: &Tokenizer,
        sampler: &mut dyn Sampler,
        options: &GenerateOptions,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated, GenerateError> {
        let started = Instant::now();
        let mut generation = Generation::new(prompt, tokenizer, sampler, options.clone()).with_context(self.capacity());
        let fresh = &prompt[self.rewind(prompt)..];
        let fed = self.feed_while(fresh, generation.request(), &mut || on_text(""))?;
        let prompt = (fresh.len(), started.elapsed());
        let (started, mut steps, mut logprobs) = (Instant::now(), 0, Vec::new());
        let finish = match fed {
            None => Finish::Interrupted,
            Some(mut logits) => loop {
                let step = generation.advance(&logits)?;
                logprobs.extend(step.logprobs);
                let heard = step.token.is_some() || !step.text.is_empty();
                let interrupted = heard && on_text(&step.text).is_break();
                match step.next {
                    Next::Done(finish @ Finish::StopString(_)) => break finish,
                    _ if interrupted => break Finish::Interrupted,
                    Next::Done(finish) => break finish,
                    Next::Feed(id) => logits = self.feed_for(&[id], generation.request())?,
                }
                steps += 1;
            },
        };
        let tokens = generation.generated().to_vec();
        Ok(Generated { tokens, logprobs, finish, prompt, decode: (steps, started.elapsed()) })
    }
}
