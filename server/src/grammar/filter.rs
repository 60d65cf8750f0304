//! The tokens that a form allows, as a filter of a generation. What does not belong here: how a form is compiled
//! (`compile.rs`).
//!
//! What a mask may cost is bounded by the work that it does and not by a clock, so that equal requests have equal ends
//! on every machine.

use super::vocabulary::Words;
use llguidance::Matcher;
use llguidance::toktrie::SimpleVob;
use std::fmt;
use std::sync::Arc;
use trine::model::{Candidates, LogitsFilter, LogitsRequest, SamplerError};

/// Where in a text a form begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begins {
    /// With its first token.
    AtOnce,
    /// Behind the tag that ends a thought, where there is a thought: the prompt began one, or the tag is drawn first.
    BehindThought {
        /// Whether the prompt began one.
        is_open: bool,
        /// The token that begins one.
        open: Option<u32>,
        /// The tag that ends one.
        close: &'static str,
    },
    /// Behind this tag, wherever and as often as it stands.
    AtTag(&'static str),
}

/// Keeps a generation to a form.
pub struct GrammarFilter {
    words: Arc<Words>,
    matcher: Matcher,
    /// The form from its beginning, where it may begin again.
    again: Option<Matcher>,
    /// The token that begins a thought, as long as one may begin.
    open: Option<u32>,
    free: Free,
    /// The tokens that may be next, outside of a free text: known before the logits are, which are asked for by it.
    next: Option<SimpleVob>,
    failure: Option<String>,
}

/// A text outside of the form.
#[derive(Clone, Debug, Default)]
struct Free {
    is_here: bool,
    /// The tag that ends it.
    tag: &'static str,
    /// The end of the text, shorter than the tag.
    tail: Vec<u8>,
    /// Whether the text may end here.
    may_end: bool,
    /// Tokens that have the whole tag and more.
    beyond: Vec<u32>,
}

impl GrammarFilter {
    /// For a form that was compiled.
    pub fn new(words: Arc<Words>, matcher: Matcher, begins: Begins) -> GrammarFilter {
        let free = |tag: &'static str, is_here: bool, may_end: bool| {
            let has_tag = |id: &&u32| find(words.bytes(**id), tag.as_bytes()).is_some();
            let beyond = words.beyond_tags().iter().filter(has_tag).copied().collect();
            Free { is_here, tag, tail: Vec::new(), may_end, beyond }
        };
        let (free, open, again) = match begins {
            Begins::AtOnce => (Free::default(), None, None),
            Begins::BehindThought { is_open, open, close } => (free(close, is_open, false), open, None),
            Begins::AtTag(tag) => (free(tag, true, true), None, Some(matcher.deep_clone())),
        };
        let open = open.filter(|_| !free.is_here);
        let mut filter = GrammarFilter { words, matcher, again, open, free, next: None, failure: None };
        filter.look_ahead();
        filter
    }

    /// Finds the tokens that may be next.
    fn look_ahead(&mut self) {
        self.next = None;
        if self.free.is_here || self.failure.is_some() {
            return;
        }
        match self.matcher.compute_mask_or_eos() {
            Ok(mut mask) => {
                // A grammar can name tokens by their ids.
                mask.and(self.words.allowed());
                if let Some(open) = self.open {
                    mask.allow_token(open);
                }
                self.next = Some(mask);
            }
            Err(error) => self.failure = Some(format!("the form of the answer: {error}")),
        }
    }

    /// Takes a token that was chosen.
    fn take(&mut self, id: u32) {
        if self.free.is_here {
            return self.take_free(id);
        }
        if self.open.take() == Some(id) {
            self.free.is_here = true;
            return;
        }
        if let Err(error) = self.matcher.consume_token(id) {
            self.failure = Some(format!("the form of the answer: {error}"));
        }
        if let (Some(again), true) = (&self.again, self.matcher.is_stopped() && !self.matcher.is_error()) {
            self.matcher = again.deep_clone();
            self.free.is_here = true;
        }
    }

    /// Takes a token of the text outside of the form.
    fn take_free(&mut self, id: u32) {
        let free = &mut self.free;
        free.tail.extend_from_slice(self.words.bytes(id));
        if find(&free.tail, free.tag.as_bytes()).is_some() {
            free.is_here = false;
            free.tail.clear();
        } else {
            let longest = free.tag.len() - 1;
            free.tail.drain(..free.tail.len().saturating_sub(longest));
        }
    }
}

impl Free {
    /// Takes the candidates out that would go on behind the tag within one token, past the form, and those that would
    /// end a text which may not end.
    fn apply(&self, words: &Words, candidates: &mut Candidates) {
        let mut exclude = |id: u32| candidates.adjust(id, |_| f32::NEG_INFINITY);
        if !self.may_end {
            words.ends().iter().for_each(|&id| exclude(id));
        }
        self.beyond.iter().for_each(|&id| exclude(id));
        let tag = self.tag.as_bytes();
        let begun = (1..tag.len()).any(|length| self.tail.ends_with(&tag[..length]));
        for &id in words.beyond_tags().iter().filter(|_| begun) {
            let text = [&self.tail, words.bytes(id)].concat();
            let behind = find(&text, tag).map(|at| &text[at + tag.len()..]);
            if behind.is_some_and(|behind| !behind.trim_ascii().is_empty()) {
                exclude(id);
            }
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

impl LogitsFilter for GrammarFilter {
    fn request(&self, _after: LogitsRequest) -> LogitsRequest {
        match &self.next {
            Some(next) => LogitsRequest::among(next.iter(), next.len()),
            None => LogitsRequest::All,
        }
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        if let Some(message) = self.failure.clone() {
            return Err(SamplerError::Filter { message });
        }
        if self.free.is_here {
            self.free.apply(&self.words, candidates);
            return Ok(());
        }
        if let Some(next) = &self.next {
            candidates.retain(|candidate| (candidate.id as usize) < next.len() && next.is_allowed(candidate.id));
        }
        Ok(())
    }

    fn accept(&mut self, id: u32) {
        self.take(id);
        self.look_ahead();
    }
}

impl Clone for GrammarFilter {
    /// A filter of its own: nothing that one does is seen by the other.
    fn clone(&self) -> GrammarFilter {
        GrammarFilter {
            words: self.words.clone(),
            matcher: self.matcher.deep_clone(),
            again: self.again.as_ref().map(Matcher::deep_clone),
            open: self.open,
            free: self.free.clone(),
            next: self.next.clone(),
            failure: self.failure.clone(),
        }
    }
}

impl fmt::Debug for GrammarFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrammarFilter").field("free", &self.free.is_here).finish_non_exhaustive()
    }
}
