//! A tokenizer whose tokens are those of one model.
//!
//! What belongs here: the bridge from ids to `Idx<Vocab<M>>` and back. What does not: how text becomes ids
//! (`trine-text`).

use super::ids::{checked, ids};
use std::borrow::Borrow;
use std::sync::Arc;
use trine_shapes::{Axis, Idx, Model, NotSame, Same, Vocab};
use trine_text::{EncodeOptions, TokenKind, Tokenizer, TokenizerError};

/// A tokenizer with more tokens than the model has embeddings for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tokenizer has {tokens} tokens, and the vocabulary of the model {vocab}: it belongs to another model")]
pub struct WrongTokenizer {
    /// Tokens of the tokenizer.
    pub tokens: usize,
    /// Length of the vocabulary.
    pub vocab: usize,
}

/// A tokenizer as that of a model `M`: what it makes of a text are tokens of `M`, which no other model takes.
///
/// ```
/// use std::sync::Arc;
/// use trine_model::{ForModel, Session, Tokenizer};
/// use trine_shapes::Model;
///
/// fn tell<M: Model>(session: &mut Session<M>, tokenizer: Arc<Tokenizer>) -> Result<(), Box<dyn std::error::Error>> {
///     let tokenizer = tokenizer.for_model(session.transformer().model)?;
///     session.feed(&tokenizer.prompt("Once upon a time")?)?;
///     Ok(())
/// }
/// ```
/// The tokens of a draft model are not those of its target:
/// ```compile_fail,E0308
/// # use trine_model::{ModelTokenizer, Session, StepError};
/// # use trine_shapes::Model;
/// fn tell<M: Model, N: Model>(target: &mut Session<M>, draft: &ModelTokenizer<N>) {
///     target.feed(&draft.prompt("Once upon a time").unwrap());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ModelTokenizer<M> {
    tokenizer: Arc<Tokenizer>,
    vocab: Vocab<M>,
}

/// The one step from a tokenizer to that of a model.
pub trait ForModel {
    /// This tokenizer as that of `model`, which is of the same file.
    ///
    /// # Errors
    /// [`WrongTokenizer`] where it has more tokens than the model. It may have fewer: embeddings are often padded.
    fn for_model<M: Model>(self, model: M) -> Result<ModelTokenizer<M>, WrongTokenizer>;
}

impl ForModel for Arc<Tokenizer> {
    fn for_model<M: Model>(self, model: M) -> Result<ModelTokenizer<M>, WrongTokenizer> {
        let (vocab, tokens) = (Vocab::of(model), self.len());
        match tokens <= vocab.len() {
            true => Ok(ModelTokenizer { tokenizer: self, vocab }),
            false => Err(WrongTokenizer { tokens, vocab: vocab.len() }),
        }
    }
}

impl ForModel for Tokenizer {
    fn for_model<M: Model>(self, model: M) -> Result<ModelTokenizer<M>, WrongTokenizer> {
        Arc::new(self).for_model(model)
    }
}

impl<M: Model> ModelTokenizer<M> {
    /// The tokens of a text.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode(&self, text: &str, options: EncodeOptions) -> Result<Vec<Idx<Vocab<M>>>, TokenizerError> {
        let ids = self.tokenizer.encode(text, options)?;
        Ok(checked(self.vocab, &ids).expect("the tokenizer has no more tokens than the vocabulary"))
    }

    /// The tokens of a text with which a sequence begins: [`EncodeOptions::PROMPT`].
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn prompt(&self, text: &str) -> Result<Vec<Idx<Vocab<M>>>, TokenizerError> {
        self.encode(text, EncodeOptions::PROMPT)
    }

    /// The text of some tokens, without that of control tokens.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`]: an embedding that pads the vocabulary has no text.
    pub fn decode(&self, tokens: &[Idx<Vocab<M>>]) -> Result<String, TokenizerError> {
        self.tokenizer.decode(&ids(tokens), false)
    }

    /// Evidence that both models have the same tokens: their text and kind, one by one, and equally long vocabularies.
    ///
    /// # Errors
    /// [`NotSame`] where the vocabularies are not equally long or a token differs.
    pub fn same_as<N: Model>(&self, other: &ModelTokenizer<N>) -> Result<Same<Vocab<M>, Vocab<N>>, NotSame> {
        fn tokens(tokenizer: &Tokenizer, len: usize) -> Vec<Option<(&str, Option<TokenKind>)>> {
            // Embeddings that pad the vocabulary have no text.
            (0..len as u32).map(|id| tokenizer.token(id).map(|text| (text, tokenizer.kind(id)))).collect()
        }
        let (mine, others) = (tokens(&self.tokenizer, self.vocab.len()), tokens(&other.tokenizer, other.vocab.len()));
        Same::check_items((self.vocab, &mine), (other.vocab, &others))
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }
}

impl<M> Borrow<Tokenizer> for ModelTokenizer<M> {
    fn borrow(&self) -> &Tokenizer {
        &self.tokenizer
    }
}

impl<M> Borrow<Tokenizer> for &ModelTokenizer<M> {
    fn borrow(&self) -> &Tokenizer {
        &self.tokenizer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_shapes::{Dims, Dyn, Sizes};
    use trine_text::VocabularyData;

    #[test]
    fn a_tokenizer_of_a_larger_vocabulary_is_refused() {
        let sizes = Sizes { vocab: 5, hidden: 16, ffn: 24, heads: 2, kv_heads: 1, head_dim: 8, attention_layers: 1 };
        Dyn::scope(Dims::new(sizes).unwrap(), |model| {
            let of = |tokens: usize| {
                let data = VocabularyData {
                    model: "gpt2".to_owned(),
                    pre: Some("gpt-2".to_owned()),
                    tokens: ["h", "i", "hi", "t", "e", "s"].map(str::to_owned)[..tokens].to_vec(),
                    merges: Some(vec!["h i".to_owned()]),
                    ..VocabularyData::default()
                };
                Tokenizer::from_data(data).unwrap().for_model(model)
            };
            let tokenizer = of(4).unwrap();
            let tokens = tokenizer.encode("hit", EncodeOptions::PLAIN).unwrap();
            assert_eq!((ids(&tokens), tokenizer.decode(&tokens).unwrap()), (vec![2, 3], "hit".to_owned()));
            assert!(of(4).is_ok() && of(5).is_ok());
            let message = "the tokenizer has 6 tokens, and the vocabulary of the model 5: it belongs to another model";
            assert_eq!(of(6).unwrap_err().to_string(), message);
        });
    }
}
