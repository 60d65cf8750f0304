//! Finding special tokens in a text before it is encoded. What the tokens mean is in `vocabulary.rs`.

use super::vocabulary::{TokenKind, Vocabulary};

/// A part of a text to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment<'t> {
    /// Text between special tokens; never empty.
    Text(&'t str),
    /// A special token that stood in the text.
    Token(u32),
}

/// The tokens that are matched literally, longest text first and the lower id first of equals.
#[derive(Debug)]
pub struct SpecialTokens {
    ids: Vec<u32>,
}

impl SpecialTokens {
    /// Those of a vocabulary: control, unknown and user-defined tokens.
    pub fn new(vocabulary: &Vocabulary) -> SpecialTokens {
        use TokenKind::{Control, Unknown, UserDefined};
        let special = |id: u32| matches!(vocabulary.kind(id), Some(Control | Unknown | UserDefined));
        let mut found: Vec<(u32, &str)> = vocabulary.iter().filter(|&(id, _)| special(id)).collect();
        found.sort_by_key(|&(id, text)| (std::cmp::Reverse(text.len()), id));
        SpecialTokens { ids: found.into_iter().map(|(id, _)| id).collect() }
    }

    /// Cuts a text at its special tokens. User-defined tokens are always matched; control and unknown ones only with
    /// `parse_special`, and stay text without it. Each token is looked for in the whole text before the next, shorter
    /// one is (llama.cpp's rule, which differs from leftmost-first where two tokens overlap).
    pub fn split<'t>(&self, vocabulary: &Vocabulary, text: &'t str, parse_special: bool) -> Vec<Fragment<'t>> {
        let mut fragments = vec![Fragment::Text(text)];
        for &id in &self.ids {
            if !parse_special && vocabulary.kind(id) != Some(TokenKind::UserDefined) {
                continue;
            }
            let token = vocabulary.text(id).unwrap_or_default();
            let stands_in = |fragment: &Fragment| matches!(fragment, Fragment::Text(text) if text.contains(token));
            if fragments.iter().any(stands_in) {
                fragments = fragments.into_iter().flat_map(|fragment| cut(fragment, id, token)).collect();
            }
        }
        fragments.retain(|fragment| *fragment != Fragment::Text(""));
        fragments
    }
}

/// A fragment cut at every occurrence of one token.
fn cut<'t>(fragment: Fragment<'t>, id: u32, token: &str) -> Vec<Fragment<'t>> {
    let Fragment::Text(text) = fragment else { return vec![fragment] };
    let mut parts = text.split(token).map(Fragment::Text);
    let mut fragments: Vec<Fragment> = parts.next().into_iter().collect();
    fragments.extend(parts.flat_map(|part| [Fragment::Token(id), part]));
    fragments
}
