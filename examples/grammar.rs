//! A sampler under a regular grammar: whatever the story was about, the model goes on with a time of day.

use std::ops::RangeInclusive;
use std::sync::Arc;
use trine::model::{Candidates, LogitsFilter, SamplerError};
use trine::prelude::*;

/// The automaton of `([01][0-9]|2[0-3]):[0-5][0-9]`: in a state, a byte that leads to another.
const RULES: [(usize, RangeInclusive<u8>, usize); 7] = [
    (0, b'0'..=b'1', 1),
    (0, b'2'..=b'2', 2),
    (1, b'0'..=b'9', 3),
    (2, b'0'..=b'3', 3),
    (3, b':'..=b':', 4),
    (4, b'0'..=b'5', 5),
    (5, b'0'..=b'9', END),
];
const END: usize = 6;

/// Allows the tokens with which a text can become one of the grammar, and the end of text where it is one.
struct Grammar {
    tokenizer: Arc<Tokenizer>,
    state: usize,
}

impl Grammar {
    /// The state behind a token, where the grammar allows it.
    fn after(&self, id: u32) -> Option<usize> {
        if self.tokenizer.end_of_generation().contains(&id) {
            return Some(self.state).filter(|state| *state == END);
        }
        let mut bytes = Vec::new();
        self.tokenizer.decode_into(id, false, &mut bytes).ok()?;
        let rule = |state, byte| RULES.iter().find(|rule| rule.0 == state && rule.1.contains(byte));
        let last = bytes.iter().try_fold(self.state, |state, byte| Some(rule(state, byte)?.2))?;
        Some(last).filter(|_| !bytes.is_empty())
    }
}

impl LogitsFilter for Grammar {
    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        candidates.retain(|candidate| self.after(candidate.id).is_some());
        Ok(())
    }

    fn accept(&mut self, id: u32) {
        self.state = self.after(id).unwrap_or(self.state);
    }
}

/// What follows `prompt` under the grammar.
pub(crate) fn example(engine: &Engine, prompt: &str, seed: u64) -> Result<String, EngineError> {
    let options = SamplerOptions { temperature: 1.5, seed, ..SamplerOptions::default() };
    let mut sampler = SamplerChain::new(options)?;
    sampler.push_first(Grammar { tokenizer: engine.tokenizer().clone(), state: 0 });
    let mut sequence = engine.sequence();
    let pieces = sequence.generate_with(&engine.prompt(prompt)?, sampler, GenerateOptions::default());
    pieces.map(|piece| Ok(piece?.text)).collect()
}

fn main() -> Result<(), EngineError> {
    let engine = trine::embedded_engine()?;
    println!("The clock struck {}", example(&engine, "The clock struck ", 7)?);
    Ok(())
}
