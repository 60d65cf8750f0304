//! A generation driven by a session, as an iterator. What does not belong here: its decisions (`state.rs`).

use super::Session;
use super::generate::GenerateError;
use super::sampler::Sampler;
use super::state::{Finish, GenerateOptions, Generation, GenerationStep, Next};
use std::borrow::Borrow;
use trine_shapes::Model;
use trine_text::Tokenizer;

/// An iterator over the steps of a generation: one for each token, and one for the token that ended it. The prompt is
/// processed before the first. An error is the last item.
pub struct GenerationStream<'s, M, S, T> {
    session: &'s mut Session<M>,
    generation: Generation<S, T>,
    /// What the session is fed before the next step; nothing after the last one.
    fresh: Option<Vec<u32>>,
}

impl<M: Model> Session<M> {
    /// What follows `prompt`, step by step: as [`generate`](Session::generate), with a loop of the caller's.
    ///
    /// ```no_run
    /// # use trine_model::*;
    /// # fn tell<M: trine_shapes::Model>(
    /// #     mut session: Session<M>, tokenizer: &Tokenizer, prompt: Vec<u32>,
    /// # ) -> Result<(), GenerateError> {
    /// for step in session.stream(prompt, tokenizer, SamplerChain::greedy(), GenerateOptions::default()) {
    ///     print!("{}", step?.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<S: Sampler, T: Borrow<Tokenizer>>(
        &mut self,
        prompt: impl Into<Vec<u32>>,
        tokenizer: T,
        sampler: S,
        options: GenerateOptions,
    ) -> GenerationStream<'_, M, S, T> {
        let generation = Generation::new(prompt, tokenizer, sampler, options).with_context(self.capacity());
        let known = self.rewind(generation.prompt());
        GenerationStream { fresh: Some(generation.prompt()[known..].to_vec()), session: self, generation }
    }
}

impl<M, S: Sampler, T: Borrow<Tokenizer>> GenerationStream<'_, M, S, T> {
    /// The tokens so far, without the one that ended them.
    pub fn generated(&self) -> &[u32] {
        self.generation.generated()
    }

    /// Why the generation ended, if it has.
    pub fn finish(&self) -> Option<&Finish> {
        self.generation.finish()
    }
}

impl<M: Model, S: Sampler, T: Borrow<Tokenizer>> Iterator for GenerationStream<'_, M, S, T> {
    type Item = Result<GenerationStep, GenerateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let fresh = self.fresh.take()?;
        let logits = match self.session.feed_for(&fresh, self.generation.request()) {
            Ok(logits) => logits,
            Err(error) => return Some(Err(error.into())),
        };
        let step = self.generation.advance(&logits);
        if let Ok(GenerationStep { next: Next::Feed(id), .. }) = step {
            self.fresh = Some(vec![id]);
        }
        Some(step.map_err(GenerateError::from))
    }
}

impl<M: Model, S: Sampler, T: Borrow<Tokenizer>> std::iter::FusedIterator for GenerationStream<'_, M, S, T> {}
