//! The vocabulary as a tree of bytes, in which a grammar's tokens are found. What does not belong here: grammars.

use llguidance::toktrie::{SimpleVob, TokRxInfo, TokTrie, TokenId, TokenizerEnv};
use trine::model::{TokenKind, Tokenizer};

/// The longest token that a grammar may choose, in bytes: the tree is not deeper.
const LONGEST: usize = 1000;

/// No text has this byte, and the tree knows names of control tokens by it.
const NO_TEXT: u8 = TokTrie::SPECIAL_TOKEN_MARKER;

/// The tokens that are text, by their bytes, and those that end a text.
pub struct Words {
    trie: TokTrie,
    /// The tokens that a form may have: no control tokens but those that end a text.
    allowed: SimpleVob,
    /// Tokens with text behind a `>`, where a tag may end within a token.
    beyond_tags: Vec<u32>,
}

impl Words {
    /// Those of a tokenizer; `None` where no token ends a text, as a text of a form could not end.
    pub fn new(tokenizer: &Tokenizer) -> Option<Words> {
        let ends = tokenizer.end_of_generation();
        let (&end, size) = (ends.first()?, u32::try_from(tokenizer.len()).ok()?);
        let words: Vec<Vec<u8>> = (0..size).map(|id| text(tokenizer, id)).collect();
        let goes_on = |word: &Vec<u8>| {
            let behind = word.iter().position(|byte| *byte == b'>').map(|at| &word[at + 1..]);
            behind.is_some_and(|behind| !behind.trim_ascii().is_empty())
        };
        let beyond_tags = (0..size).zip(&words).filter(|(_, word)| goes_on(word)).map(|(id, _)| id).collect();
        let trie = TokTrie::from(&TokRxInfo::new(size, end), &words).with_eos_tokens(ends);
        let mut allowed = trie.eos_token_set();
        let is_text = |(_, word): &(u32, &Vec<u8>)| !word.is_empty();
        (0..size).zip(&words).filter(is_text).for_each(|(id, _)| allowed.allow_token(id));
        Some(Words { trie, allowed, beyond_tags })
    }

    /// The bytes of a token that is text.
    pub fn bytes(&self, id: u32) -> &[u8] {
        if (id as usize) < self.trie.vocab_size() { self.trie.token(id) } else { &[] }
    }

    /// The tokens that a form may have.
    pub fn allowed(&self) -> &SimpleVob {
        &self.allowed
    }

    /// The tokens that end a text.
    pub fn ends(&self) -> &[u32] {
        self.trie.eos_tokens()
    }

    /// Tokens with text behind a `>`.
    pub fn beyond_tags(&self) -> &[u32] {
        &self.beyond_tags
    }
}

/// The bytes of a token; none of one that is no text, or ends one.
fn text(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let is_text = !matches!(tokenizer.kind(id), Some(TokenKind::Control | TokenKind::Unknown) | None);
    if is_text && !tokenizer.end_of_generation().contains(&id) {
        // Every id below the length of a tokenizer is one of its own.
        let _ = tokenizer.decode_into(id, false, &mut bytes);
    }
    if bytes.len() > LONGEST || bytes.first() == Some(&NO_TEXT) {
        bytes.clear();
    }
    bytes
}

impl TokenizerEnv for Words {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.trie.greedy_tokenize(text)
    }

    /// Every way to write a text in tokens is allowed: the model chooses.
    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}
