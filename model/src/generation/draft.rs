//! A smaller model that guesses what another one will choose.
//!
//! What belongs here: guessing with a model. What does not: checking guesses, and looking back in the text
//! (`speculation.rs`).

use super::Session;
use super::speculation::Guess;
use crate::network::LogitsRequest;
use std::num::NonZeroUsize;
use trine_shapes::{Idx, Model, Same, Vocab};

/// A model `D` that guesses the likeliest next tokens for a model `M` of the same vocabulary.
///
/// ```no_run
/// # use trine_model::*;
/// # use trine_shapes::Model;
/// # fn tell<D: Model, M: Model>(
/// #     mut session: Session<M>, tokenizer: &ModelTokenizer<M>,
/// #     small: Session<D>, of_small: &ModelTokenizer<D>,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let mut draft = Draft::new(small, of_small.same_as(tokenizer)?);
/// let prompt = tokenizer.prompt("Once upon a time")?;
/// let options = GenerateOptions { guesses: 5, ..GenerateOptions::default() };
/// let stream = session.stream(prompt, tokenizer, SamplerChain::greedy(), options);
/// for step in stream.guessed_by(&mut draft) {
///     print!("{}", step?.text);
/// }
/// # Ok(())
/// # }
/// ```
/// The vocabularies of two models are not taken for one without evidence:
/// ```compile_fail,E0308
/// # use trine_model::*;
/// # use trine_shapes::{Model, Same, Vocab};
/// fn draft<D: Model, M: Model>(small: Session<D>, same: Same<Vocab<M>, Vocab<M>>) -> Draft<D, M> {
///     Draft::new(small, same)
/// }
/// ```
pub struct Draft<D, M> {
    session: Session<D>,
    same: Same<Vocab<D>, Vocab<M>>,
}

impl<D: Model, M: Model> Draft<D, M> {
    /// A draft that guesses with `session`, as long as a text has room there.
    pub fn new(session: Session<D>, same: Same<Vocab<D>, Vocab<M>>) -> Self {
        Draft { session, same }
    }
}

impl<D: Model, M: Model> Guess<M> for Draft<D, M> {
    fn guess(&mut self, text: &[Idx<Vocab<M>>], most: usize) -> Vec<Idx<Vocab<M>>> {
        let text: Vec<Idx<Vocab<D>>> = text.iter().map(|token| token.relabel(self.same.flipped())).collect();
        let most = most.min(self.session.capacity().saturating_sub(text.len()));
        let mut fresh = text[self.session.rewind(&text)..].to_vec();
        let mut guesses = Vec::new();
        while guesses.len() < most {
            // A draft that has no memory left guesses no further; the text is the same.
            let Ok(logits) = self.session.feed_for(&fresh, LogitsRequest::Largest(NonZeroUsize::MIN)) else { break };
            let Some(best) = logits.argmax() else { break };
            guesses.push(best.relabel(self.same));
            fresh = vec![best];
        }
        guesses
    }
}
