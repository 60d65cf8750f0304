//! Filters of candidates that requests ask for and that a library has no use for. What does not belong here: those of
//! `trine-model`.

use crate::error::ApiError;
use std::collections::BTreeMap;
use std::sync::Arc;
use trine::model::{Candidates, LogitsFilter, LogitsRequest, SamplerError, TokenSet, Tokenizer};
use trine::text::{TextStream, ThoughtParser};

/// Takes the tokens that would end a text out until it has so many.
#[derive(Debug)]
pub struct NotYet {
    /// Tokens until then.
    pub left: usize,
    /// Those that would end it.
    pub ids: Vec<u32>,
}

impl LogitsFilter for NotYet {
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        after.with_margin(self.ids.len())
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        if self.left > 0 {
            self.ids.iter().for_each(|&id| candidates.adjust(id, |_| f32::NEG_INFINITY));
        }
        Ok(())
    }

    fn accept(&mut self, _id: u32) {
        self.left = self.left.saturating_sub(1);
    }
}

/// Leaves some tokens and no other.
#[derive(Debug)]
pub struct Allowed {
    ids: TokenSet,
    request: LogitsRequest,
}

impl Allowed {
    /// These of a vocabulary of `tokens`.
    pub fn new(ids: &[u32], tokens: usize) -> Allowed {
        let ids: TokenSet = ids.iter().copied().collect();
        Allowed { request: LogitsRequest::among(ids.ids().iter().copied(), tokens), ids }
    }
}

impl LogitsFilter for Allowed {
    fn request(&self, _after: LogitsRequest) -> LogitsRequest {
        self.request.clone()
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        candidates.retain(|candidate| self.ids.ids().binary_search(&candidate.id).is_ok());
        Ok(())
    }
}

/// Takes the last token of some sequences out where the others stand before it.
#[derive(Debug)]
pub struct NoSequence {
    /// The sequences.
    pub sequences: Vec<Vec<u32>>,
    /// What was generated.
    pub generated: Vec<u32>,
}

impl LogitsFilter for NoSequence {
    fn request(&self, after: LogitsRequest) -> LogitsRequest {
        after.with_margin(self.sequences.len())
    }

    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        for (last, before) in self.sequences.iter().filter_map(|sequence| sequence.split_last()) {
            if self.generated.ends_with(before) {
                candidates.adjust(*last, |_| f32::NEG_INFINITY);
            }
        }
        Ok(())
    }

    fn accept(&mut self, id: u32) {
        self.generated.push(id);
    }
}

/// `logit -= count * frequency + (count > 0) * presence`, where `count` is how often a token was generated: the prompt
/// does not count. Source: OpenAI's API reference, "Frequency and presence penalties".
#[derive(Debug)]
pub struct GeneratedPenalty {
    /// For each time.
    pub frequency: f32,
    /// Once.
    pub presence: f32,
    /// How often each token was generated.
    pub counts: BTreeMap<u32, usize>,
}

impl LogitsFilter for GeneratedPenalty {
    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        for (&id, &count) in &self.counts {
            candidates.adjust(id, |logit| logit - (count as f32 * self.frequency + self.presence));
        }
        Ok(())
    }

    fn accept(&mut self, id: u32) {
        *self.counts.entry(id).or_default() += 1;
    }
}

/// Ends a thought that has so many tokens.
#[derive(Clone, Debug)]
pub struct ThoughtBudget {
    tokenizer: Arc<Tokenizer>,
    thoughts: ThoughtParser,
    text: TextStream,
    left: usize,
    close: u32,
}

impl ThoughtBudget {
    /// For thoughts that are told so, of so many tokens at most.
    ///
    /// # Errors
    /// The vocabulary has no token that ends a thought.
    pub fn new(tokenizer: &Arc<Tokenizer>, thoughts: ThoughtParser, most: usize) -> Result<ThoughtBudget, ApiError> {
        let Some(close) = tokenizer.id(ThoughtParser::CLOSE) else {
            let why = "no token of this vocabulary ends a thought";
            return Err(ApiError::unsupported("thinking.budget_tokens", why));
        };
        let text = TextStream::default();
        Ok(ThoughtBudget { tokenizer: tokenizer.clone(), thoughts, text, left: most, close })
    }
}

impl LogitsFilter for ThoughtBudget {
    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        if self.left == 0 && self.thoughts.is_in_thought() {
            candidates.retain(|candidate| candidate.id == self.close);
        }
        Ok(())
    }

    fn accept(&mut self, id: u32) {
        self.left = self.left.saturating_sub(usize::from(self.thoughts.is_in_thought()));
        let mut bytes = Vec::new();
        // An embedding that pads the vocabulary has no text.
        let _ = self.tokenizer.decode_into(id, false, &mut bytes);
        let text = self.text.push(&bytes);
        self.thoughts.push(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine::model::Logits;
    use trine::shapes::{Fixed, Tensor};

    fn left(filter: &mut impl LogitsFilter, logits: [f32; 4]) -> Vec<(u32, f32)> {
        let logits = Logits::dense(Tensor::from_data((Fixed::<4>,), logits));
        let mut candidates = Candidates::new(&logits).unwrap();
        filter.apply(&mut candidates, &[]).unwrap();
        candidates.as_slice().iter().map(|candidate| (candidate.id, candidate.logit)).collect()
    }

    #[test]
    fn a_text_is_not_ended_before_its_least_tokens() {
        let mut filter = NotYet { left: 1, ids: vec![3, 0] };
        assert_eq!(left(&mut filter, [9.0, 1.0, 2.0, 3.0]), [(1, 1.0), (2, 2.0)]);
        filter.accept(1);
        assert_eq!(left(&mut filter, [9.0, 1.0, 2.0, 3.0]).len(), 4);
    }

    #[test]
    fn only_what_is_allowed_is_left() {
        let mut filter = Allowed::new(&[3, 1, 3], 32);
        assert_eq!(filter.request(LogitsRequest::All), LogitsRequest::Among([1, 3].into_iter().collect()));
        assert_eq!(left(&mut filter, [0.0, 1.0, 2.0, 3.0]), [(1, 1.0), (3, 3.0)]);
        // Of few tokens two are many.
        assert_eq!(Allowed::new(&[3, 1, 3], 31).request(LogitsRequest::LARGEST), LogitsRequest::All);
    }

    #[test]
    fn a_sequence_is_not_completed() {
        let mut filter = NoSequence { sequences: vec![vec![1, 2], vec![0]], generated: Vec::new() };
        assert_eq!(left(&mut filter, [0.0; 4]), [(1, 0.0), (2, 0.0), (3, 0.0)]);
        filter.accept(1);
        assert_eq!(left(&mut filter, [0.0; 4]), [(1, 0.0), (3, 0.0)]);
    }

    #[test]
    fn penalties_are_those_of_the_formula() {
        let mut filter = GeneratedPenalty { frequency: 0.5, presence: 0.25, counts: BTreeMap::new() };
        assert_eq!(left(&mut filter, [1.0; 4]), [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]);
        [2, 2, 0].iter().for_each(|id| filter.accept(*id));
        assert_eq!(left(&mut filter, [1.0; 4]), [(0, 0.25), (1, 1.0), (2, -0.25), (3, 1.0)]);
    }
}
