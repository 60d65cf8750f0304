//! Text generation: sampled tokens, their text, and when to stop.

use crate::sampling::{Sampler, SamplerError};
use crate::session::{Session, SessionError};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use trine_shapes::Model;
use trine_text::{Released, StopStrings, TextStream, Tokenizer, TokenizerError};

/// When a generation ends, besides at an end-of-text token and at the end of the context.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// Texts that end it; they are not part of the output.
    pub stop_strings: Vec<String>,
    /// Tokens that end it, besides those of the tokenizer.
    pub stop_ids: Vec<u32>,
    /// Whether the tokenizer's end-of-text tokens end it.
    pub stop_at_end_of_text: bool,
}

impl Default for GenerateOptions {
    /// 256 tokens, until the model ends its text.
    fn default() -> Self {
        GenerateOptions { max_tokens: 256, stop_strings: Vec::new(), stop_ids: Vec::new(), stop_at_end_of_text: true }
    }
}

impl GenerateOptions {
    fn ends(&self, id: u32, tokenizer: &Tokenizer) -> bool {
        (self.stop_at_end_of_text && tokenizer.end_of_generation().contains(&id)) || self.stop_ids.contains(&id)
    }
}

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What a generation did.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The tokens, without the one that ended it.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt that were processed, and the time they took.
    pub prompt: (usize, Duration),
    /// Single steps, and the time they took.
    pub decode: (usize, Duration),
}

/// A prompt that cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The prompt is empty, does not fit, or has ids beyond the vocabulary.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Logits without a token to choose.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// An id without a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// The text of a generation on its way to its receiver.
struct Text<'t> {
    stream: TextStream,
    stops: StopStrings,
    on_text: &'t mut dyn FnMut(&str) -> ControlFlow<()>,
}

impl Text<'_> {
    /// Passes on what is complete with the token `id`; says whether that ends the generation.
    fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<Option<Finish>, TokenizerError> {
        let mut bytes = Vec::new();
        tokenizer.decode_into(id, false, &mut bytes)?;
        let piece = self.stream.push(&bytes);
        let Released { text, stop } = self.stops.push(&piece);
        let interrupted = (self.on_text)(&text).is_break();
        Ok(stop.map(Finish::StopString).or(interrupted.then_some(Finish::Interrupted)))
    }

    /// Passes on what was held back, unless a stop string or the receiver ended the generation.
    fn finish(mut self, finish: Finish) -> Finish {
        if matches!(finish, Finish::StopString(_) | Finish::Interrupted) {
            return finish;
        }
        let piece = self.stream.finish();
        let Released { mut text, stop } = self.stops.push(&piece);
        if stop.is_none() {
            text += &self.stops.finish();
        }
        if !text.is_empty() && (self.on_text)(&text).is_break() {
            return Finish::Interrupted;
        }
        stop.map_or(finish, Finish::StopString)
    }
}

impl<M: Model> Session<M> {
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
        sampler: &mut Sampler,
        options: &GenerateOptions,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated, GenerateError> {
        let started = Instant::now();
        let fresh = &prompt[self.rewind(prompt)..];
        let wanted = sampler.options().wanted();
        let logits = self.feed_while(fresh, wanted, &mut || on_text(""))?;
        let prompt = (fresh.len(), started.elapsed());
        let (mut tokens, mut steps) = (Vec::new(), 0);
        let Some(mut logits) = logits else {
            return Ok(Generated { tokens, finish: Finish::Interrupted, prompt, decode: (0, Duration::ZERO) });
        };
        let started = Instant::now();
        let mut text = Text { stream: TextStream::new(), stops: StopStrings::new(&options.stop_strings), on_text };
        let finish = loop {
            if options.max_tokens == 0 {
                break Finish::MaxTokens;
            }
            let id = sampler.sample(&logits, self.tokens())?;
            if options.ends(id, tokenizer) {
                break Finish::Token(id);
            }
            tokens.push(id);
            if let Some(finish) = text.push(tokenizer, id)? {
                break finish;
            }
            if tokens.len() == options.max_tokens {
                break Finish::MaxTokens;
            }
            if self.is_full() {
                break Finish::ContextFull;
            }
            let next = self.feed_while(&[id], wanted, &mut || ControlFlow::Continue(()))?;
            logits = next.expect("a single token is not interrupted");
            steps += 1;
        };
        let finish = text.finish(finish);
        Ok(Generated { tokens, finish, prompt, decode: (steps, started.elapsed()) })
    }
}
