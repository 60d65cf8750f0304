//! A generation driven by a session, as an iterator. What does not belong here: its decisions (`state.rs`).

use super::Session;
use super::generate::GenerateError;
use super::ids::ids;
use super::sampler::{Sampler, SamplerError};
use super::speculation::{Guess, Speculation};
use super::state::{Finish, GenerateOptions, Generation, GenerationStep, Next};
use super::tokens::ModelTokenizer;
use std::borrow::Borrow;
use trine_shapes::{Idx, Model, Vocab};
use trine_text::Tokenizer;

/// An iterator over the steps of a generation: one for each token, and one for the token that ended it. The prompt is
/// processed before the first. An error is the last item.
pub struct GenerationStream<'s, M, S, T> {
    session: &'s mut Session<M>,
    generation: Generation<S, T>,
    generated: Vec<Idx<Vocab<M>>>,
    /// What the session is fed before the next step; nothing after the last one.
    fresh: Option<Vec<Idx<Vocab<M>>>>,
    speculation: Speculation<'s, M>,
}

impl<M: Model> Session<M> {
    /// What follows `prompt`, step by step: as [`generate`](Session::generate), with a loop of the caller's.
    ///
    /// ```no_run
    /// # use trine_model::*;
    /// # fn tell<M: trine_shapes::Model>(
    /// #     mut session: Session<M>, tokenizer: &ModelTokenizer<M>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let prompt = tokenizer.prompt("Once upon a time")?;
    /// for step in session.stream(prompt, tokenizer, SamplerChain::greedy(), GenerateOptions::default()) {
    ///     print!("{}", step?.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<S: Sampler, T: Borrow<ModelTokenizer<M>> + Borrow<Tokenizer>>(
        &mut self,
        prompt: impl Into<Vec<Idx<Vocab<M>>>>,
        tokenizer: T,
        sampler: S,
        options: GenerateOptions,
    ) -> GenerationStream<'_, M, S, T> {
        let mut prompt = prompt.into();
        let speculation = Speculation::new(options.guesses, None);
        let generation = Generation::new(ids(&prompt), tokenizer, sampler, options).with_context(self.capacity());
        let fresh = prompt.split_off(self.rewind(&prompt));
        GenerationStream { fresh: Some(fresh), session: self, generation, generated: Vec::new(), speculation }
    }
}

impl<'s, M: Model, S, T> GenerationStream<'s, M, S, T> {
    /// The same text in fewer steps where `guesser` guesses what comes next: [`GenerateOptions::guesses`] tokens at a
    /// time at most.
    pub fn guessed_by(self, guesser: &'s mut dyn Guess<M>) -> Self {
        GenerationStream { speculation: self.speculation.guessed_by(guesser), ..self }
    }
}

impl<M, S: Sampler, T: Borrow<Tokenizer>> GenerationStream<'_, M, S, T> {
    /// The tokens so far, without the one that ended them.
    pub fn generated(&self) -> &[Idx<Vocab<M>>] {
        &self.generated
    }

    /// Why the generation ended, if it has.
    pub fn finish(&self) -> Option<&Finish> {
        self.generation.finish()
    }
}

impl<M: Model, S: Sampler, T: Borrow<Tokenizer>> Iterator for GenerationStream<'_, M, S, T> {
    type Item = Result<GenerationStep<Idx<Vocab<M>>>, GenerateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let fresh = self.fresh.take()?;
        let (request, left) = (self.generation.request(), self.generation.left());
        let logits = match fresh[..] {
            [token] if !self.generated.is_empty() => {
                self.speculation.feed(self.session, token, self.generation.tokens(), request, left)
            }
            _ => self.session.feed_for(&fresh, request),
        };
        let logits = match logits {
            Ok(logits) => logits,
            Err(error) => return Some(Err(error.into())),
        };
        let vocab = self.session.vocab();
        let token = |id| Idx::new(vocab, id).map_err(|error| SamplerError::NoToken(error).into());
        let step = self.generation.advance(&logits).and_then(|step| step.try_map(token));
        if let Ok(step) = &step {
            self.generated.extend(step.token);
            if let Next::Feed(token) = step.next {
                self.fresh = Some(vec![token]);
            }
        }
        Some(step.map_err(GenerateError::from))
    }
}

impl<M: Model, S: Sampler, T: Borrow<Tokenizer>> std::iter::FusedIterator for GenerationStream<'_, M, S, T> {}
