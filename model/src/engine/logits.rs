//! Logits that know which engine they are of.

use super::error::EngineError;
use super::opened::Own;
use super::prompt::{EngineId, Token};
use crate::network::{Logits, TokenLogits};
use trine_shapes::{Idx, Vocab};

/// The logits that follow a sequence of an engine: of every token, or of some that include the largest.
#[derive(Clone, Debug)]
pub struct EngineLogits {
    logits: Logits<Vocab<Own>>,
    engine: EngineId,
}

impl EngineLogits {
    pub(super) fn new(engine: &EngineId, logits: Logits<Vocab<Own>>) -> Self {
        EngineLogits { logits, engine: engine.clone() }
    }

    /// The engine whose vocabulary they are of.
    pub fn engine(&self) -> &EngineId {
        &self.engine
    }

    /// Length of the vocabulary.
    pub fn tokens(&self) -> usize {
        self.logits.tokens()
    }

    /// Number of logits: [`tokens`](EngineLogits::tokens), or less where they are sparse.
    pub fn len(&self) -> usize {
        self.logits.len()
    }

    /// Whether there is no logit.
    pub fn is_empty(&self) -> bool {
        self.logits.is_empty()
    }

    /// The token with the largest logit, of equal ones the first; none where no logit is a number.
    pub fn argmax(&self) -> Option<Token> {
        Some(self.token(self.logits.argmax()?))
    }

    /// The logit of a token, where it is given.
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] where the token is of another engine.
    pub fn get(&self, token: &Token) -> Result<Option<f32>, EngineError> {
        self.engine.check(token.engine())?;
        Ok(self.logits.of_id(token.id()))
    }

    /// Tokens and their logits, by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (Token, f32)> {
        self.logits.iter().map(|(token, logit)| (self.token(token), logit))
    }

    /// The values, where there is one for each token.
    pub fn as_dense(&self) -> Option<&[f32]> {
        self.logits.as_dense()
    }

    /// A value for each token: minus infinity for those that were left out.
    pub fn into_dense(self) -> Vec<f32> {
        self.logits.into_dense()
    }

    fn token(&self, token: Idx<Vocab<Own>>) -> Token {
        Token::new(&self.engine, token.get() as u32)
    }
}

/// For samplers and generations that a program drives itself.
impl TokenLogits for EngineLogits {
    fn tokens(&self) -> usize {
        TokenLogits::tokens(&self.logits)
    }

    fn by_id(&self) -> impl Iterator<Item = (u32, f32)> {
        self.logits.by_id()
    }

    fn as_dense(&self) -> Option<&[f32]> {
        self.logits.as_dense()
    }

    fn count(&self) -> usize {
        self.logits.count()
    }

    fn of_id(&self, id: u32) -> Option<f32> {
        self.logits.of_id(id)
    }
}
