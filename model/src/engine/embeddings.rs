//! Embeddings of texts by an engine.
//!
//! What belongs here: which texts go through the network together. What does not: the network
//! ([`Transformer::embeddings`](crate::Transformer::embeddings)).

use super::opened::{Opened, Own};
use super::{Engine, EngineError, Prompt};
use crate::network::{State, StatePool};
use trine_ops::Pooling;
use trine_shapes::{Axis, Hidden, Idx, Vocab};
use trine_text::EncodeOptions;

/// Tokens of a step, from which on another text waits for the next one.
const TOKENS: usize = 2048;

impl Engine {
    /// A text to be embedded as a prompt: with the tokens before and behind it that the vocabulary asks for, and
    /// control tokens in it taken for text.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`] where the vocabulary cannot express it.
    pub fn embedding_prompt(&self, text: &str) -> Result<Prompt, EngineError> {
        let options = EncodeOptions { add_bos: true, add_eos: true, parse_special: false };
        Ok(Prompt::new(self.id(), self.tokenizer().encode(text, options)?))
    }

    /// The embedding of each text, of length 1, in their order. Texts of any lengths go through the network together,
    /// and each gets the bits that it would get alone. Their memory is not that of the engine's sequences, and goes
    /// back when this returns. Before each step `go_on` is asked with the number of texts that are done; where it says
    /// no, these are returned.
    ///
    /// Which row stands for a text, the file may say ([`Config::pooling`](crate::Config::pooling)).
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] for a prompt of another engine, [`EngineError::Session`] for one without tokens or
    /// beyond the context, [`EngineError::Memory`] where the system does not give enough.
    pub fn embed(
        &self,
        prompts: &[Prompt],
        pooling: Pooling,
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let texts: Vec<Vec<_>> = prompts.iter().map(|prompt| self.own_tokens(prompt)).collect::<Result<_, _>>()?;
        let (mut rows, mut rest) = (Vec::with_capacity(texts.len()), &texts[..]);
        while !rest.is_empty() && go_on(rows.len()) {
            let (batch, others) = rest.split_at(batch_of(rest));
            rows.extend(self.embed_together(batch, pooling)?);
            rest = others;
        }
        Ok(rows)
    }

    fn embed_together(&self, texts: &[Vec<Idx<Vocab<Own>>>], pooling: Pooling) -> Result<Vec<Vec<f32>>, EngineError> {
        let Opened { transformer, pool } = self.opened();
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0).min(self.0.context).max(1);
        let pool = StatePool::for_sequences(transformer, texts.len(), longest, pool.kind())?;
        let mut states: Vec<State<Own>> = texts.iter().map(|_| pool.state(longest)).collect();
        let requests = states.iter_mut().zip(texts).map(|(state, text)| (state, &text[..])).collect();
        let rows =
            State::step_together(requests, |step| transformer.embeddings(self.cpu(), step, pooling).into_data())?;
        Ok(rows.chunks_exact(Hidden::of(transformer.model).len()).map(<[f32]>::to_vec).collect())
    }
}

/// How many of the first texts go into one step: one, and more while they have few tokens.
fn batch_of<T>(texts: &[Vec<T>]) -> usize {
    let mut tokens = 0;
    let fits = |text: &&Vec<T>| {
        tokens += text.len();
        tokens <= TOKENS
    };
    texts.iter().take_while(fits).count().max(1)
}
