//! A generation driven by a session, with a callback for its text. What belongs here: the loop, and the time that it
//! takes. What does not: its decisions (`state.rs`).

use super::Session;
use super::ids::ids;
use super::logprobs::Logprobs;
use super::sampler::{Sampler, SamplerError};
use super::speculation::{Guess, Guesses, Speculation};
use super::state::{Finish, GenerateOptions, Generation, GenerationError, Next};
use super::tokens::ModelTokenizer;
use crate::network::{Logits, LogitsRequest, StepError};
use std::borrow::Borrow;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use trine_shapes::{Idx, Model, Vocab};
use trine_text::Tokenizer;

/// What a generation did.
#[derive(Clone, Debug)]
pub struct Generated<M> {
    /// The tokens, without the one that ended it.
    pub tokens: Vec<Idx<Vocab<M>>>,
    /// Log-probabilities of every chosen token, the one that ended it included, where options ask for them.
    pub logprobs: Vec<Logprobs>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt that were processed, and the time they took.
    pub prompt: (usize, Duration),
    /// Tokens behind the first, and the time they took.
    pub decode: (usize, Duration),
    /// What of them was guessed, where options ask for it.
    pub guesses: Guesses,
}

/// A prompt that cannot be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prompt is empty, does not fit, or has ids beyond the vocabulary.
    #[error(transparent)]
    Session(#[from] StepError),
    /// No token can be chosen, or it has no text.
    #[error(transparent)]
    Generation(#[from] GenerationError),
}

/// What a loop has generated so far.
struct Output<M> {
    steps: usize,
    tokens: Vec<Idx<Vocab<M>>>,
    logprobs: Vec<Logprobs>,
}

impl<M: Model> Session<M> {
    /// Appends tokens and returns the logits that are asked for, of those that follow the last one.
    ///
    /// # Errors
    /// As for [`feed`](Session::feed).
    pub fn feed_for(
        &mut self,
        tokens: &[Idx<Vocab<M>>],
        request: LogitsRequest,
    ) -> Result<Logits<Vocab<M>>, StepError> {
        let logits = self.feed_while(tokens, request, &mut || ControlFlow::Continue(()))?;
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
        prompt: &[Idx<Vocab<M>>],
        tokenizer: &ModelTokenizer<M>,
        sampler: &mut dyn Sampler,
        options: &GenerateOptions,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated<M>, GenerateError> {
        self.generate_guessed(prompt, tokenizer, sampler, options, None, on_text)
    }

    /// As [`generate`](Session::generate), in fewer steps where `guesser` guesses what comes next:
    /// [`GenerateOptions::guesses`] tokens at a time at most. The text is the same.
    ///
    /// # Errors
    /// As for [`generate`](Session::generate).
    pub fn generate_guessed(
        &mut self,
        prompt: &[Idx<Vocab<M>>],
        tokenizer: &ModelTokenizer<M>,
        sampler: &mut dyn Sampler,
        options: &GenerateOptions,
        guesser: Option<&mut dyn Guess<M>>,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated<M>, GenerateError> {
        let started = Instant::now();
        let generation = Generation::new(ids(prompt), tokenizer, sampler, options.clone());
        let mut generation = generation.with_context(self.capacity());
        let kept = self.rewind(prompt);
        let fed = self.feed_while(&prompt[kept..], generation.request(), &mut || on_text(""))?;
        let prompt = (self.tokens().len() - kept, started.elapsed());
        let (started, mut output) = (Instant::now(), Output { steps: 0, tokens: Vec::new(), logprobs: Vec::new() });
        let mut speculation = Speculation::new(options.guesses, guesser);
        let finish = match fed {
            None => Ok(Finish::Interrupted),
            Some(logits) => self.decode(logits, &mut generation, &mut speculation, &mut output, on_text),
        };
        let (Output { steps, tokens, logprobs }, finish) = (output, finish?);
        let (decode, guesses) = ((steps, started.elapsed()), speculation.guesses());
        Ok(Generated { tokens, logprobs, finish, prompt, decode, guesses })
    }

    /// The loop, from the logits that follow the prompt on.
    fn decode<S: Sampler, T: Borrow<Tokenizer>>(
        &mut self,
        mut logits: Logits<Vocab<M>>,
        generation: &mut Generation<S, T>,
        speculation: &mut Speculation<'_, M>,
        output: &mut Output<M>,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Finish, GenerateError> {
        let vocab = self.vocab();
        let token = |id| Idx::new(vocab, id).map_err(|error| GenerationError::from(SamplerError::NoToken(error)));
        loop {
            let step = generation.advance(&logits)?.try_map(token)?;
            output.logprobs.extend(step.logprobs);
            output.tokens.extend(step.token);
            let heard = step.token.is_some() || !step.text.is_empty();
            let interrupted = heard && on_text(&step.text).is_break();
            match step.next {
                Next::Done(finish @ Finish::StopString(_)) => return Ok(finish),
                _ if interrupted => return Ok(Finish::Interrupted),
                Next::Done(finish) => return Ok(finish),
                Next::Feed(token) => {
                    let (request, left) = (generation.request(), generation.left());
                    logits = speculation.feed(self, token, generation.tokens(), request, left)?;
                }
            }
            output.steps += 1;
        }
    }
}
