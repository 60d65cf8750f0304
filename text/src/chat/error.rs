//! Why a conversation cannot be written down. Errors of the tokenizer are its own.

use super::KEY;
use crate::tokenizer::TokenizerError;
use trine_loader::GgufError;
use trine_loader::json::JsonError;

/// Why a conversation cannot be written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The metadata holds a template that is no text.
    #[error(transparent)]
    Metadata(#[from] GgufError),
    /// A file of a directory cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The text of a conversation has no tokens.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The file has no template.
    #[error(
        "{file}: the file has no {KEY}, so it is unknown how its model marks who speaks: \
         continue a text instead (`trine run`), or take a file of a chat model"
    )]
    Missing {
        /// The label of the file.
        file: String,
    },
    /// What is wrong with the template of a file.
    #[error("{file}: {error}")]
    InFile {
        /// The file.
        file: String,
        /// What is wrong.
        error: Box<ChatError>,
    },
    /// The template is no valid Jinja.
    #[error("{KEY} is not a valid template: {message}")]
    Syntax {
        /// What the engine says, with the line.
        message: String,
    },
    /// The template failed, or refuses the conversation (a role that it does not know, roles out of turn).
    #[error("{KEY} cannot write this conversation: {message}")]
    Render {
        /// What the template or the engine says, with the line.
        message: String,
    },
}
