//! `POST /tokenize` and `/detokenize`, in vLLM's form and in llama.cpp's. What does not belong here: the conversation
//! that is tokenized (`chat.rs`).

use super::{Conversation, Limits};
use crate::error::ApiError;
use crate::fields::{Field, Fields};

/// What is to be tokenized.
#[derive(Clone, Debug, PartialEq)]
pub enum Tokenized {
    /// A text, with BOS before it or without, its control tokens parsed or taken for text.
    Text { text: String, add_special: bool, parse_special: bool },
    /// A conversation.
    Conversation(Conversation),
}

/// A text to be turned into tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenizeRequest {
    /// The model that is asked.
    pub model: Option<String>,
    /// What is to be tokenized.
    pub text: Tokenized,
    /// Whether the texts of the tokens are sent too.
    pub strings: bool,
    /// Whether llama.cpp's form with pieces is asked for.
    pub pieces: bool,
}

/// Tokens to be turned into a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetokenizeRequest {
    /// The model that is asked.
    pub model: Option<String>,
    /// The ids.
    pub tokens: Vec<u32>,
}

impl TokenizeRequest {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields) -> Result<TokenizeRequest, ApiError> {
        let model = fields.opt("model", Field::string)?;
        let text = if let Some(content) = fields.take("content") {
            Tokenized::Text {
                text: content.string()?,
                add_special: fields.or("add_special", false, Field::bool)?,
                parse_special: fields.or("parse_special", true, Field::bool)?,
            }
        } else if let Some(prompt) = fields.take("prompt") {
            Tokenized::Text {
                text: prompt.string()?,
                add_special: fields.or("add_special_tokens", true, Field::bool)?,
                parse_special: true,
            }
        } else if fields.names().any(|name| name == "messages") {
            // The template writes BOS where the model wants it.
            fields.opt("add_special_tokens", Field::bool)?;
            Tokenized::Conversation(Conversation::read(fields)?)
        } else {
            let message = "`prompt` is missing: expected `prompt`, `messages` or `content`";
            return Err(ApiError::bad("missing_required_parameter", message).at("prompt"));
        };
        let strings = fields.or("return_token_strs", false, Field::bool)?;
        Ok(TokenizeRequest { model, text, strings, pieces: fields.or("with_pieces", false, Field::bool)? })
    }
}

impl DetokenizeRequest {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields, limits: &Limits) -> Result<DetokenizeRequest, ApiError> {
        let model = fields.opt("model", Field::string)?;
        Ok(DetokenizeRequest { model, tokens: fields.require("tokens")?.ids(limits.vocab)? })
    }
}
