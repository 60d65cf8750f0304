//! What a user should know of a vocabulary that is taken nevertheless.

use trine_loader::Keys;

/// A choice that the file left open, or one of the user's that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerWarning {
    /// A text begins without BOS, although the pre-tokenizer's family adds one.
    #[error("the file has no tokenizer.ggml.bos_token_id: no BOS token is added")]
    NoBos,
    /// The file does not say how text is cut before merging; it is known of its architecture and size.
    #[error("the file has no tokenizer.ggml.pre; its pre-tokenizer is taken to be llama-bpe")]
    PreAssumed,
    /// An added token of `tokenizer.json` has no row in the embedding, so it is left out.
    #[error("added token {id} {text:?} is left out: the model has {tokens} tokens")]
    BeyondVocabulary {
        /// The token.
        id: u32,
        /// Its text.
        text: String,
        /// `vocab_size`.
        tokens: usize,
    },
    /// Entries of a file beside the vocabulary, or of `tokenizer.json` itself, that nobody here knows.
    #[error("nothing reads {} of {file}: if that changes what tokens a text has, they are wrong", Keys(entries))]
    UnknownEntries {
        /// The name of the file.
        file: &'static str,
        /// The entries; those within objects are `object.entry`.
        entries: Vec<String>,
    },
    /// A pre-tokenizer is given for a vocabulary that does not cut text.
    #[error("the pre-tokenizer is ignored: a vocabulary of model `{model}` has none")]
    PreIgnored {
        /// The vocabulary's model, as `tokenizer.ggml.model` names it.
        model: String,
    },
}
