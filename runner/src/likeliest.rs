//! `trine logits --json`: for each position the likeliest next tokens with their logits and log-probabilities, and the
//! log-probability of the token that does come next. What does not belong here: computing either.

use crate::document;
use crate::logprobs;
use anyhow::Result;
use serde_json::{Value, json};
use trine::model::{Logprobs, TokenLogits, Tokenizer};

/// All logits of a position.
struct Row<'r>(&'r [f32]);

impl TokenLogits for Row<'_> {
    fn tokens(&self) -> usize {
        self.0.len()
    }

    fn by_id(&self) -> impl Iterator<Item = (u32, f32)> {
        self.0.iter().enumerate().map(|(id, &logit)| (id as u32, logit))
    }

    fn as_dense(&self) -> Option<&[f32]> {
        Some(self.0)
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    fn of_id(&self, id: u32) -> Option<f32> {
        self.0.get(id as usize).copied()
    }
}

/// Positions as they are described.
pub struct Positions<'p> {
    ids: &'p [u32],
    /// Tokens that are shown of each position.
    count: usize,
    /// Texts of the tokens, where the file has any.
    tokenizer: Option<&'p Tokenizer>,
    described: Vec<Value>,
}

impl<'p> Positions<'p> {
    /// None yet, of those that `ids` have.
    pub fn new(ids: &'p [u32], count: usize, tokenizer: Option<&'p Tokenizer>) -> Positions<'p> {
        Positions { ids, count, tokenizer, described: Vec::with_capacity(ids.len()) }
    }

    /// Describes the next position by its logits.
    ///
    /// # Errors
    /// The next id is none of the model.
    pub fn push(&mut self, logits: &[f32]) -> Result<()> {
        let at = self.described.len();
        let next = self.ids.get(at + 1);
        let found = Logprobs::new(&Row(logits), next.copied().unwrap_or(0), self.count)?;
        let mut likeliest = logprobs::tokens(self.tokenizer, &found.best);
        for (token, best) in likeliest.iter_mut().zip(&found.best) {
            token["logit"] = json!(logits[best.id as usize]);
        }
        let mut described = document::token(self.tokenizer, self.ids[at]);
        described["next"] = match next {
            Some(_) => logprobs::token(self.tokenizer, &found.chosen),
            None => Value::Null,
        };
        described["likeliest"] = json!(likeliest);
        self.described.push(described);
        Ok(())
    }

    /// The document.
    pub fn document(self) -> Value {
        json!({ "positions": self.described })
    }
}
