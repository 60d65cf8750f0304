//! How tokens are written where they stand for themselves, in log-probabilities. What does not belong here: the text
//! of an answer.

use std::fmt::Write;
use std::sync::Arc;
use trine::model::Tokenizer;

/// The names of tokens.
#[derive(Clone, Debug)]
pub struct TokenNames {
    tokenizer: Arc<Tokenizer>,
    as_ids: bool,
}

impl TokenNames {
    /// Names are texts, or `token_id:N`.
    pub fn new(tokenizer: Arc<Tokenizer>, as_ids: bool) -> TokenNames {
        TokenNames { tokenizer, as_ids }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The bytes of a token, of a control token those of its name.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        // An embedding that pads the vocabulary has no text.
        let _ = self.tokenizer.decode_into(id, true, &mut bytes);
        bytes
    }

    /// A name that no other token has: its text, or its bytes where they are no text.
    pub fn unique(&self, id: u32) -> String {
        if self.as_ids {
            return format!("token_id:{id}");
        }
        match String::from_utf8(self.bytes(id)) {
            Ok(text) => text,
            Err(error) => error.as_bytes().iter().fold("bytes:".to_owned(), |mut name, byte| {
                // A `String` takes everything.
                let _ = write!(name, "\\x{byte:02X}");
                name
            }),
        }
    }

    /// Its text, with replacement characters for what is none.
    pub fn text(&self, id: u32) -> String {
        if self.as_ids {
            return format!("token_id:{id}");
        }
        String::from_utf8_lossy(&self.bytes(id)).into_owned()
    }
}
