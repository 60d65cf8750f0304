//! `POST /v1/embeddings`. What does not belong here: computing them.

use super::{Limits, PromptText, prompts};
use crate::error::ApiError;
use crate::fields::{Field, Fields};

/// Texts to be embedded.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingsRequest {
    /// The model that is asked.
    pub model: Option<String>,
    /// The texts, of which there is at least one.
    pub texts: Vec<PromptText>,
    /// Whether the rows are sent as little-endian f32 in base 64.
    pub base64: bool,
}

impl EmbeddingsRequest {
    /// Takes the fields.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields, limits: &Limits, width: usize) -> Result<EmbeddingsRequest, ApiError> {
        let model = fields.opt("model", Field::string)?;
        let texts = prompts(fields.require("input")?, limits.vocab)?;
        let base64 = fields.opt("encoding_format", |field| field.one_of(&["float", "base64"]))? == Some("base64");
        // All embeddings of a model are as long.
        fields.opt("dimensions", |field| field.integer(width..=width))?;
        fields.opt("user", Field::string)?;
        Ok(EmbeddingsRequest { model, texts, base64 })
    }
}
