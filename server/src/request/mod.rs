//! Requests as values: each field read once, with its type, its range and its default.
//!
//! What belongs here: what a client may ask for. What does not: how a field is read (`fields.rs`), and what becomes of
//! a request (`endpoints`).

mod chat;
mod completion;
mod delivery;
mod embeddings;
mod ending;
mod messages;
mod ollama;
mod responses;
mod sampling;
mod structure;
mod tokens;
mod tools;

pub use chat::{ChatRequest, Conversation};
use completion::prompts;
pub use completion::{CompletionRequest, PromptText};
pub use delivery::Delivery;
pub use embeddings::EmbeddingsRequest;
pub use ending::Ending;
pub use messages::MessagesRequest;
pub use ollama::OllamaRequest;
pub use responses::ResponsesRequest;
pub use sampling::Sampling;
pub use structure::{SchemaPart, Structure, Structured};
pub use tokens::{DetokenizeRequest, TokenizeRequest, Tokenized};
pub use tools::{ToolChoice, ToolDefinition, Tools};

use crate::options::SamplingDefaults;

/// What the fields of a request are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Positions of a sequence.
    pub context: usize,
    /// How tokens are drawn where nothing is said.
    pub sampling: SamplingDefaults,
    /// Whether requests may go before others.
    pub has_priorities: bool,
}
