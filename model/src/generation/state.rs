//! A generation as a state machine: it is given logits, and says what to feed, what text is complete, or that it is
//! done. What belongs here: the order of these decisions. What does not: a model, a loop, a clock; whoever has them,
//! one session ([`Session::generate`](crate::Session::generate)) or a scheduler of many, drives it.

use super::candidates::Candidates;
use super::chain::SamplerChain;
use super::logprobs::Logprobs;
use super::sampler::{Sampler, SamplerError};
use crate::network::{LogitsError, LogitsRequest, TokenLogits};
use std::borrow::Borrow;
use std::sync::Arc;
use trine_text::{Released, StopStrings};
use trine_text::{TextStream, Tokenizer, TokenizerError};

/// When a generation ends, besides at an end-of-text token and at the end of the context, and what it reports.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// Texts that end it; they are not part of the output. They may have the texts of control tokens in them, which
    /// are not part of the output anyway.
    pub stop_strings: Vec<String>,
    /// Tokens that end it, besides those of the tokenizer.
    pub stop_ids: Vec<u32>,
    /// Whether the tokenizer's end-of-text tokens end it.
    pub stop_at_end_of_text: bool,
    /// Whether the output is a text of its own, such as an answer, and not the rest of the prompt's: it does not begin
    /// with the space that SentencePiece puts before a text.
    pub answers: bool,
    /// Most tokens that are guessed at a time by looking back in the text, and checked in one step: the same text, in
    /// fewer steps where it repeats itself. 0 guesses none. As many are guessed as turn out right.
    pub guesses: usize,
    /// Report the log-probabilities of each chosen token and of so many of the best. All logits are asked for then.
    pub logprobs: Option<usize>,
}

impl Default for GenerateOptions {
    /// The rest of the prompt's text in 256 tokens, until the model ends it, without log-probabilities.
    fn default() -> Self {
        GenerateOptions {
            max_tokens: 256,
            stop_strings: Vec::new(),
            stop_ids: Vec::new(),
            stop_at_end_of_text: true,
            answers: false,
            guesses: 0,
            logprobs: None,
        }
    }
}

impl GenerateOptions {
    fn ends(&self, id: u32, tokenizer: &Tokenizer) -> bool {
        (self.stop_at_end_of_text && tokenizer.end_of_generation().contains(&id)) || self.stop_ids.contains(&id)
    }
}

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finish {
    /// An end-of-text token, or one of the stop ids.
    Token(u32),
    /// A stop string.
    StopString(String),
    /// As many tokens as were asked for.
    MaxTokens,
    /// The cache is full.
    ContextFull,
    /// The receiver of the text said so.
    Interrupted,
}

impl Finish {
    /// Its name in documents of the command, of shards and of the Python package.
    pub fn name(&self) -> &'static str {
        match self {
            Finish::Token(_) => "token",
            Finish::StopString(_) => "stop_text",
            Finish::MaxTokens => "max_tokens",
            Finish::ContextFull => "context_full",
            Finish::Interrupted => "interrupted",
        }
    }
}

/// What a generation needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T = u32> {
    /// The logits that follow this token.
    Feed(T),
    /// Nothing: it has ended.
    Done(Finish),
}

/// What came of some logits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerationStep<T = u32> {
    /// The token that was added to the output: none where the chosen one ended it.
    pub token: Option<T>,
    /// Text that is complete now; often none, within a character of several bytes or what may become a stop string.
    pub text: String,
    /// Log-probabilities of the chosen token, also of one that ended the output, where options ask for them.
    pub logprobs: Option<Logprobs>,
    /// What to do.
    pub next: Next<T>,
}

impl GenerationStep {
    /// The same step with what `token` makes of its ids, such as a token of a model.
    pub(super) fn try_map<T, E>(self, token: impl Fn(u32) -> Result<T, E>) -> Result<GenerationStep<T>, E> {
        let GenerationStep { token: id, text, logprobs, next } = self;
        let next = match next {
            Next::Feed(id) => Next::Feed(token(id)?),
            Next::Done(finish) => Next::Done(finish),
        };
        Ok(GenerationStep { token: id.map(token).transpose()?, text, logprobs, next })
    }

    fn done(text: String, finish: Finish) -> GenerationStep {
        GenerationStep { token: None, text, logprobs: None, next: Next::Done(finish) }
    }
}

/// Logits that a generation cannot go on from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerationError {
    /// Logits without a token to choose.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// An id without a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Logits without the log-probabilities that options ask for.
    #[error(transparent)]
    Logits(#[from] LogitsError),
}

/// A generation between two steps of a model. It knows no model, and tokens are ids to it.
///
/// It owns what it needs: with the types it has by default, it is `Send` and `'static`. `S` may also be a sampler of
/// the program's own, or a borrowed one, and `T` whatever holds a tokenizer.
///
/// ```no_run
/// use trine_model::*;
///
/// fn answer<M: trine_shapes::Model>(
///     session: &mut Session<M>,
///     mut generation: Generation,
/// ) -> Result<String, GenerateError> {
///     let mut text = String::new();
///     let prompt = session.tokens_of(generation.prompt()).expect("ids of the vocabulary");
///     let mut logits = session.feed_for(&prompt, generation.request())?;
///     loop {
///         let step = generation.advance(&logits)?;
///         text += &step.text;
///         match step.next {
///             Next::Feed(id) => {
///                 let token = session.tokens_of(&[id]).expect("an id of the vocabulary");
///                 logits = session.feed_for(&token, generation.request())?;
///             }
///             Next::Done(_) => return Ok(text),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Generation<S = SamplerChain, T = Arc<Tokenizer>> {
    tokenizer: T,
    sampler: S,
    options: GenerateOptions,
    /// Of the prompt, then those generated.
    tokens: Vec<u32>,
    prompt: usize,
    context: usize,
    candidates: Candidates,
    stream: TextStream,
    stops: StopStrings,
    /// Whether the space that begins a text is still to come.
    before_space: bool,
    finish: Option<Finish>,
}

impl<S: Sampler, T: Borrow<Tokenizer>> Generation<S, T> {
    /// What follows `prompt`, whose logits are the first that it is given.
    pub fn new(prompt: impl Into<Vec<u32>>, tokenizer: T, sampler: S, options: GenerateOptions) -> Self {
        let tokens = prompt.into();
        let before_space = options.answers && tokenizer.borrow().adds_space();
        Generation {
            prompt: tokens.len(),
            tokens,
            context: usize::MAX,
            candidates: Candidates::default(),
            stream: TextStream::new(),
            stops: StopStrings::new(&options.stop_strings),
            before_space,
            finish: None,
            tokenizer,
            sampler,
            options,
        }
    }

    /// The same with an end where the tokens fill so many positions of a cache. The token that no longer fits is part
    /// of the output.
    #[must_use]
    pub fn with_context(self, positions: usize) -> Self {
        Generation { context: positions, ..self }
    }

    /// The tokens of the prompt.
    pub fn prompt(&self) -> &[u32] {
        &self.tokens[..self.prompt]
    }

    /// The tokens of the prompt and those generated.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The tokens so far, without the one that ended them.
    pub fn generated(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }

    /// How many more tokens there may be.
    pub fn left(&self) -> usize {
        self.options.max_tokens.saturating_sub(self.generated().len())
    }

    /// Why it ended, if it has.
    pub fn finish(&self) -> Option<&Finish> {
        self.finish.as_ref()
    }

    /// The logits that [`advance`](Generation::advance) has to be given: those that the sampler asks for, all where
    /// log-probabilities are reported.
    pub fn request(&self) -> LogitsRequest {
        match self.options.logprobs {
            Some(_) => LogitsRequest::All,
            None => self.sampler.request(),
        }
    }

    /// Takes the logits that follow the prompt or the token that was fed last. A generation that has ended stays so:
    /// there is no text then, and the same reason.
    ///
    /// # Errors
    /// [`GenerationError`] where no token can be chosen or the chosen one has no text. Nothing was added then.
    pub fn advance(&mut self, logits: &impl TokenLogits) -> Result<GenerationStep, GenerationError> {
        if let Some(finish) = &self.finish {
            return Ok(GenerationStep::done(String::new(), finish.clone()));
        }
        if self.options.max_tokens == 0 {
            return Ok(self.end(Finish::MaxTokens));
        }
        self.candidates.refill(logits)?;
        let id = self.sampler.sample(&mut self.candidates, &self.tokens)?;
        let logprobs = self.options.logprobs.map(|best| Logprobs::new(logits, id, best)).transpose()?;
        let step =
            if self.options.ends(id, self.tokenizer.borrow()) { self.end(Finish::Token(id)) } else { self.push(id)? };
        Ok(GenerationStep { logprobs, ..step })
    }

    /// Adds a token to the output.
    fn push(&mut self, id: u32) -> Result<GenerationStep, TokenizerError> {
        let (mut bytes, mut hidden) = (Vec::new(), Vec::new());
        let tokenizer = self.tokenizer.borrow();
        tokenizer.decode_into(id, false, &mut bytes)?;
        if bytes.is_empty() {
            tokenizer.decode_into(id, true, &mut hidden)?;
        }
        self.tokens.push(id);
        if std::mem::take(&mut self.before_space) {
            // Control tokens have no bytes, and the text begins behind them.
            self.before_space = bytes.is_empty();
            bytes.drain(..usize::from(bytes.first() == Some(&b' ')));
        }
        let piece = self.stream.push(&bytes);
        let Released { text, stop } = match hidden.is_empty() {
            true => self.stops.push(&piece),
            false => self.stops.push_hidden(&String::from_utf8_lossy(&hidden)),
        };
        let mut step = GenerationStep { token: Some(id), text, logprobs: None, next: Next::Feed(id) };
        let finish = match stop {
            Some(stop) => Finish::StopString(stop),
            None if self.generated().len() >= self.options.max_tokens => Finish::MaxTokens,
            None if self.tokens.len() > self.context => Finish::ContextFull,
            None => return Ok(step),
        };
        let end = self.end(finish);
        step.text += &end.text;
        step.next = end.next;
        Ok(step)
    }

    /// Ends the generation for a reason that it cannot know, such as a full cache or an interruption, with the text
    /// that was held back; a stop string in that is the reason instead. After an interruption there is no text. One
    /// that has ended keeps its reason.
    pub fn end(&mut self, finish: Finish) -> GenerationStep {
        if let Some(finish) = &self.finish {
            return GenerationStep::done(String::new(), finish.clone());
        }
        let (text, finish) = match finish {
            Finish::StopString(_) | Finish::Interrupted => (String::new(), finish),
            _ => {
                let piece = self.stream.finish();
                match self.stops.push(&piece) {
                    Released { text, stop: Some(stop) } => (text, Finish::StopString(stop)),
                    Released { text, stop: None } => (text + &self.stops.finish(), finish),
                }
            }
        };
        self.finish = Some(finish.clone());
        GenerationStep::done(text, finish)
    }
}
