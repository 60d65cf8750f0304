//! One text of an engine.

use super::Engine;
use super::error::EngineError;
use super::logits::EngineLogits;
use super::opened::Own;
use super::prompt::{Prompt, Token};
use crate::generation::{
    Finish, GenerateOptions, GenerationStep, GenerationStream, Logprobs, ModelTokenizer, Next, Sampler, SamplerChain,
    SamplerOptions, Session,
};
use crate::network::LogitsRequest;
use std::fmt;
use std::ops::ControlFlow;

/// One sequence of an [`Engine`]: its tokens, and what the model remembers of them. It can be kept and sent to other
/// threads, and keeps the engine alive.
pub struct Sequence {
    engine: Engine,
    session: Session<Own>,
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence")
            .field("engine", self.engine.id())
            .field("tokens", &self.session.tokens().len())
            .finish_non_exhaustive()
    }
}

impl Sequence {
    pub(super) fn new(engine: Engine, session: Session<Own>) -> Self {
        Sequence { engine, session }
    }

    pub(super) fn session(&self) -> &Session<Own> {
        &self.session
    }

    pub(super) fn session_mut(&mut self) -> &mut Session<Own> {
        &mut self.session
    }

    /// The engine that it is of.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The tokens so far.
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = Token> {
        self.session.tokens().iter().map(|token| Token::new(self.engine.id(), token.get() as u32))
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.session.tokens().len()
    }

    /// Whether there is no token yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions that it may have.
    pub fn capacity(&self) -> usize {
        self.session.capacity()
    }

    /// A second sequence with the same tokens. The memory of what they have in common is there once.
    pub fn fork(&self) -> Sequence {
        Sequence { engine: self.engine.clone(), session: self.session.fork() }
    }

    /// Goes back to the longest common beginning with `prompt`, short of its last token, or as near to it as the model
    /// can go, and returns how many tokens are left.
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] where the prompt is of another engine.
    pub fn rewind(&mut self, prompt: &Prompt) -> Result<usize, EngineError> {
        Ok(self.session.rewind(&self.engine.own_tokens(prompt)?))
    }

    /// Appends tokens and returns the logits that are asked for, of those that follow the last one. `proceed` is asked
    /// between parts of a long prompt: where it breaks off the result is `None`, and the parts before that are kept.
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] for a prompt of another engine, [`EngineError::Session`] for an empty one, or a
    /// full context.
    pub fn feed(
        &mut self,
        prompt: &Prompt,
        request: LogitsRequest,
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<EngineLogits>, EngineError> {
        let tokens = self.engine.own_tokens(prompt)?;
        let logits = self.session.feed_while(&tokens, request, proceed)?;
        Ok(logits.map(|logits| EngineLogits::new(self.engine.id(), logits)))
    }

    /// Appends tokens and shows the logits that follow each of them, in their order. `proceed` is asked between parts
    /// of a long prompt; the result says whether all of them were appended.
    ///
    /// # Errors
    /// As for [`feed`](Sequence::feed).
    pub fn feed_each(
        &mut self,
        prompt: &Prompt,
        see: &mut dyn FnMut(EngineLogits),
        proceed: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<bool, EngineError> {
        let tokens = self.engine.own_tokens(prompt)?;
        let id = self.engine.id().clone();
        Ok(self.session.feed_each(&tokens, &mut |_, logits| see(EngineLogits::new(&id, logits)), proceed)?)
    }

    /// What follows `prompt`, piece by piece, with the default options.
    ///
    /// Where the prompt begins with the tokens of the sequence, as a growing conversation does, only the rest of it is
    /// processed.
    pub fn generate(&mut self, prompt: &Prompt) -> Pieces<'_> {
        match SamplerChain::new(SamplerOptions::default()) {
            Ok(sampler) => self.generate_with(prompt, sampler, GenerateOptions::default()),
            Err(error) => Pieces { engine: self.engine.clone(), state: Running::Failed(Some(error.into())) },
        }
    }

    /// What follows `prompt`, piece by piece: `sampler` chooses the tokens, `options` say when they end.
    pub fn generate_with<'s, S: Sampler + 's>(
        &'s mut self,
        prompt: &Prompt,
        sampler: S,
        mut options: GenerateOptions,
    ) -> Pieces<'s, S> {
        let engine = self.engine.clone();
        options.answers |= prompt.is_answered();
        let state = match engine.own_tokens(prompt) {
            Ok(tokens) => {
                let tokenizer = engine.own_tokenizer().clone();
                Running::Stream(Box::new(self.session.stream(tokens, tokenizer, sampler, options)))
            }
            Err(error) => Running::Failed(Some(error)),
        };
        Pieces { engine, state }
    }
}

/// A piece of a generation: a token, and the text that is complete with it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Piece {
    /// The token that was added; none where the chosen one ended the generation.
    pub token: Option<Token>,
    /// Text that is complete now; often none, within a character of several bytes or what may become a stop string.
    pub text: String,
    /// Log-probabilities of the chosen token, where options ask for them.
    pub logprobs: Option<Logprobs>,
    /// Why the generation ended, in its last piece.
    pub finish: Option<Finish>,
}

/// An iterator over the pieces of a generation. The prompt is processed before the first. An error is the last item.
pub struct Pieces<'s, S = SamplerChain> {
    engine: Engine,
    state: Running<'s, S>,
}

enum Running<'s, S> {
    Stream(Box<GenerationStream<'s, Own, S, ModelTokenizer<Own>>>),
    /// It never began.
    Failed(Option<EngineError>),
}

impl<S> fmt::Debug for Pieces<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("engine", self.engine.id()).finish_non_exhaustive()
    }
}

impl<S: Sampler> Iterator for Pieces<'_, S> {
    type Item = Result<Piece, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = match &mut self.state {
            Running::Failed(error) => return error.take().map(Err),
            Running::Stream(stream) => stream.next()?,
        };
        Some(step.map_err(EngineError::from).map(|GenerationStep { token, text, logprobs, next }| Piece {
            token: token.map(|token| Token::new(self.engine.id(), token.get() as u32)),
            text,
            logprobs,
            finish: match next {
                Next::Done(finish) => Some(finish),
                Next::Feed(_) => None,
            },
        }))
    }
}

impl<S: Sampler> std::iter::FusedIterator for Pieces<'_, S> {}
