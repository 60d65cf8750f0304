//! What an engine remembers of a sequence whose tokens somebody else has, and steps of many of them.
//!
//! What belongs here: memory and steps for a scheduler, which keeps tokens, decisions and order. What does not: these,
//! and sequences that a program drives itself (`sequence.rs`).

use super::Engine;
use super::error::EngineError;
use super::logits::EngineLogits;
use super::opened::{Opened, Own};
use crate::generation::checked;
use crate::network::{LogitsRequest, State};
use trine_kernels::CacheFull;
use trine_shapes::Idx;

/// What the blocks remember of one sequence.
#[derive(Debug)]
pub(crate) struct Memory(State<Own>);

impl Memory {
    /// Positions so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The most positions, at most `len`, whose memory [`beginning`](Memory::beginning) is.
    pub(crate) fn reach(&self, len: usize) -> usize {
        self.0.reach(len)
    }

    /// Goes on with the pages of another memory of the same positions; what the delta rule remembers stays its own.
    pub(crate) fn take_pages(&mut self, of: Memory) {
        self.0.take_pages(of.0);
    }

    /// Forgets what the delta rule remembers, where some blocks have it: nothing goes on from here any more.
    pub(crate) fn forget_recurrent(&mut self) {
        self.0.forget_recurrent();
    }

    /// The memory of the first `len` positions, in the same pages, or of as many as [`reach`](Memory::reach) says.
    /// Whichever of the two goes on first in a page that both have gets a copy of it.
    pub(crate) fn beginning(&self, len: usize) -> Memory {
        let mut state = self.0.fork();
        state.rewind(len);
        Memory(state)
    }

    /// Takes the pages of `tokens` further positions, and a page of its own for those of a shared one.
    pub(crate) fn reserve(&mut self, tokens: usize) -> Result<(), CacheFull> {
        self.0.reserve(tokens)
    }

    /// Gives back the pages behind the positions so far.
    pub(crate) fn give_back_reserved(&mut self) {
        self.0.rewind(self.0.len());
    }
}

/// What a sequence brings to a step.
pub(crate) struct Part<'a> {
    /// What it remembers.
    pub(crate) memory: &'a mut Memory,
    /// Its next tokens, at least one.
    pub(crate) ids: Vec<u32>,
    /// Which of them are followed by logits that are wanted, and which.
    pub(crate) wanted: Vec<(usize, LogitsRequest)>,
}

impl Engine {
    /// Positions that a sequence may have.
    pub fn context(&self) -> usize {
        self.0.context
    }

    /// Pages of keys and values that there may be, those that no sequence has, and the bytes of one.
    pub(crate) fn pages(&self) -> (usize, usize, usize) {
        let pool = &self.0.opened.pool;
        (pool.pages(), pool.free_pages(), pool.bytes_per_page())
    }

    /// Pages that the states of the delta rule of one sequence count as; 0 where no block has it.
    pub(crate) fn pages_per_state(&self) -> usize {
        self.0.opened.pool.pages_per_state()
    }

    /// Bytes that the keys and values of all sequences together take at most.
    pub fn cache_bytes(&self) -> usize {
        let (pages, _, bytes) = self.pages();
        pages * bytes
    }

    /// The memory of a sequence without tokens.
    pub(crate) fn memory(&self) -> Memory {
        Memory(self.0.opened.pool.state(self.0.context).without_snapshots())
    }

    /// Takes one step of all parts together. `see` gets the number of a part, that of a token in it, and the logits
    /// that follow it, for all that are wanted. Each has the bits that it would have alone.
    ///
    /// # Errors
    /// [`EngineError::Token`] and [`EngineError::Session`], where the memories are as before.
    pub(crate) fn step_parts(
        &self,
        parts: Vec<Part<'_>>,
        see: &mut dyn FnMut(usize, usize, EngineLogits),
    ) -> Result<(), EngineError> {
        let Opened { transformer, .. } = &self.0.opened;
        let tokens = parts.iter().map(|part| checked(self.vocab(), &part.ids)).collect::<Result<Vec<_>, _>>()?;
        let (mut wanted, mut places, mut first) = (Vec::new(), Vec::new(), 0);
        for (number, part) in parts.iter().enumerate() {
            places.extend(part.wanted.iter().map(|(token, _)| (number, *token)));
            wanted.extend(part.wanted.iter().map(|(token, request)| ((first + token) as u32, request.clone())));
            first += part.ids.len();
        }
        let states = parts.into_iter().zip(&tokens).map(|(part, tokens)| (&mut part.memory.0, &tokens[..]));
        State::step_together(states.collect(), |step| {
            let rows = wanted.into_iter().map(|(row, request)| Ok((Idx::new(step.axis(), row)?, request)));
            let rows: Vec<_> = rows.collect::<Result<_, EngineError>>()?;
            transformer.wanted_logits(&self.0.cpu, step, &rows, &mut |at, logits| {
                let (part, token) = places[at];
                see(part, token, EngineLogits::new(self.id(), logits));
            });
            Ok(())
        })?
    }
}
