//! Tokens that know which engine they are of.

use super::error::EngineError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which engine something is of. Two engines differ, also where both opened one file.
#[derive(Clone, Debug)]
pub struct EngineId(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    label: String,
    number: u64,
}

impl EngineId {
    pub(super) fn new(label: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        EngineId(Arc::new(Identity { label: label.to_owned(), number: NUMBER.fetch_add(1, Ordering::Relaxed) }))
    }

    /// The path that the engine opened.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// Refuses what is of another engine.
    pub(crate) fn check(&self, found: &EngineId) -> Result<(), EngineError> {
        match self == found {
            true => Ok(()),
            false => Err(EngineError::OtherEngine { expected: self.clone(), found: found.clone() }),
        }
    }
}

impl PartialEq for EngineId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for EngineId {}

impl fmt::Display for EngineId {
    /// The path and a number, since a path may be opened twice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (engine {})", self.0.label, self.0.number)
    }
}

/// A token of an engine's vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    id: u32,
    engine: EngineId,
}

impl Token {
    pub(super) fn new(engine: &EngineId, id: u32) -> Self {
        Token { id, engine: engine.clone() }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The engine whose vocabulary it is of.
    pub fn engine(&self) -> &EngineId {
        &self.engine
    }
}

/// Tokens of an engine's vocabulary, to be continued. [`Engine::prompt`](super::Engine::prompt) and its siblings make
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    ids: Vec<u32>,
    engine: EngineId,
    answered: bool,
}

impl Prompt {
    pub(super) fn new(engine: &EngineId, ids: Vec<u32>) -> Self {
        Prompt { ids, engine: engine.clone(), answered: false }
    }

    /// The same as one that is answered and not continued.
    pub(super) fn answered(self) -> Self {
        Prompt { answered: true, ..self }
    }

    /// Whether what follows is a text of its own, as after a conversation.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered
    }

    /// The ids of its tokens.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The engine whose vocabulary the tokens are of.
    pub fn engine(&self) -> &EngineId {
        &self.engine
    }

    /// Adds a token at the end.
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] where it is of another engine.
    pub fn push(&mut self, token: &Token) -> Result<(), EngineError> {
        self.engine.check(&token.engine)?;
        self.ids.push(token.id);
        Ok(())
    }
}
