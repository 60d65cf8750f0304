//! Tokens that are guessed, and checked in one step of the model: the same text, in fewer steps where it repeats
//! itself.
//!
//! The logits of a token are the same bits whether it goes through the model alone or with others, so a guess that the
//! generation then chooses was right, and one that it does not choose is taken back. What belongs here: guessing by
//! looking back, checking, and how much is guessed. What does not: guessing with another model (`draft.rs`), choosing
//! tokens (`state.rs`).

use super::Session;
use crate::network::{Logits, LogitsRequest, StepError};
use std::collections::VecDeque;
use trine_shapes::{Idx, Model, Vocab};

/// Tokens at the end of the text that are looked for in the text before them: many first, as what follows a long
/// repetition is likelier to be repeated too.
const PATTERNS: [usize; 3] = [5, 3, 2];

/// Longest time without guesses after wrong ones, in tokens. So a text in which nothing repeats pays for a guess in
/// every 64 tokens.
const LONGEST_PAUSE: usize = 64;

/// What of a text that repeats itself was guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    /// Tokens that were guessed.
    pub made: usize,
    /// Those of them that the generation chose too.
    pub right: usize,
}

/// What guesses the next tokens of a text, as a [`Draft`](super::Draft) does. What it guesses changes no text, only how
/// long one takes.
pub trait Guess<M> {
    /// At most `most` tokens that may follow `text`, or none.
    fn guess(&mut self, text: &[Idx<Vocab<M>>], most: usize) -> Vec<Idx<Vocab<M>>>;
}

/// Logits for a generation, some of them computed before it asks.
pub(super) struct Speculation<'g, M> {
    /// What guesses where the text does not repeat itself.
    guesser: Option<&'g mut dyn Guess<M>>,
    /// Most tokens to guess at a time; 0 guesses none.
    most: usize,
    /// As many as are worth it, by what came of the last ones.
    now: usize,
    /// Tokens until the next guess, and how many there were before the last one.
    pause: usize,
    last_pause: usize,
    /// Guessed tokens that are in the session already, each with the logits that follow it.
    ahead: VecDeque<(Idx<Vocab<M>>, Logits<Vocab<M>>)>,
    /// What the logits were asked for.
    asked: LogitsRequest,
    guesses: Guesses,
}

impl<'g, M: Model> Speculation<'g, M> {
    pub(super) fn new(most: usize, guesser: Option<&'g mut dyn Guess<M>>) -> Self {
        Speculation {
            guesser,
            most,
            now: most.min(4),
            pause: 0,
            last_pause: 0,
            ahead: VecDeque::new(),
            asked: LogitsRequest::All,
            guesses: Guesses::default(),
        }
    }

    pub(super) fn guessed_by(self, guesser: &'g mut dyn Guess<M>) -> Self {
        Speculation { guesser: Some(guesser), ..self }
    }

    pub(super) fn guesses(&self) -> Guesses {
        self.guesses
    }

    /// The logits that follow `token`, the last of `text`. At most `left` tokens will follow it.
    ///
    /// # Errors
    /// As [`Session::feed`].
    pub(super) fn feed(
        &mut self,
        session: &mut Session<M>,
        token: Idx<Vocab<M>>,
        text: &[u32],
        request: LogitsRequest,
        left: usize,
    ) -> Result<Logits<Vocab<M>>, StepError> {
        match self.ahead.pop_front() {
            Some((guess, logits)) if guess == token && self.asked.covers(&request) => {
                session.confirm();
                self.guesses.right += 1;
                if self.ahead.is_empty() {
                    (self.now, self.last_pause) = ((2 * self.now).min(self.most), 0);
                }
                return Ok(logits);
            }
            Some(_) => self.guess_less(),
            None => {}
        }
        let room = (session.capacity() - session.tokens().len()).saturating_sub(1);
        // What cannot be taken back is not guessed.
        let room = if session.goes_back_anywhere() { room.min(left) } else { 0 };
        let guessed = self.guess(session, token, text, room);
        if guessed.is_empty() {
            return session.feed_for(&[token], request);
        }
        let mut tokens = vec![token];
        tokens.extend(&guessed);
        // What may follow the token may not follow the guesses.
        let asked = request.clone().with_largest();
        let mut logits = match session.feed_guesses(&tokens, asked.clone()) {
            // The pages that one token needs may be there.
            Err(StepError::Cache(_)) => return session.feed_for(&[token], request),
            fed => fed?.into_iter(),
        };
        let first = logits.next().expect("the logits of the first token");
        self.asked = asked;
        self.ahead = guessed.into_iter().zip(logits).collect();
        self.guesses.made += self.ahead.len();
        Ok(first)
    }

    /// A guess was wrong, and so are those behind it.
    fn guess_less(&mut self) {
        let wrong = self.ahead.len() + 1;
        self.ahead.clear();
        if wrong >= self.now {
            self.last_pause = (2 * self.last_pause).clamp(1, LONGEST_PAUSE);
            self.pause = self.last_pause;
        }
        self.now = self.now.saturating_sub(wrong).max(1);
    }

    /// What followed the last place where the text had its last tokens, or what the guesser makes of it; at most `most`
    /// tokens. `token` is the last one of the text, which the session does not have yet.
    fn guess(&mut self, session: &Session<M>, token: Idx<Vocab<M>>, text: &[u32], most: usize) -> Vec<Idx<Vocab<M>>> {
        let most = self.now.min(self.most).min(most);
        if most == 0 || self.pause > 0 {
            self.pause = self.pause.saturating_sub(1);
            return Vec::new();
        }
        // A short repetition says less than another model does.
        let patterns = if self.guesser.is_some() { &PATTERNS[..1] } else { &PATTERNS[..] };
        let found = patterns.iter().find_map(|&length| following(text, length, most));
        match (found, &mut self.guesser) {
            (None, Some(guesser)) => {
                let text: Vec<_> = session.tokens().iter().copied().chain([token]).collect();
                let mut guessed = guesser.guess(&text, most);
                guessed.truncate(most);
                guessed
            }
            (found, _) => {
                let vocab = session.vocab();
                found.unwrap_or(&[]).iter().map_while(|&id| Idx::new(vocab, id).ok()).collect()
            }
        }
    }
}

/// At most `most` ids behind the last place before its end where the text has its last `length` ids.
fn following(text: &[u32], length: usize, most: usize) -> Option<&[u32]> {
    let (before, pattern) = text.split_at_checked(text.len().checked_sub(length)?)?;
    let searched = &text[..before.len() + length - 1];
    let place = searched.windows(length).rposition(|window| window == pattern)?;
    let behind = &text[place + length..];
    Some(&behind[..behind.len().min(most)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_what_followed_the_last_time() {
        let text = [1, 2, 3, 9, 1, 2, 4, 7, 8, 1, 2];
        assert_eq!(following(&text, 2, 8), Some(&[4, 7, 8, 1, 2][..]));
        assert_eq!(following(&text, 2, 2), Some(&[4, 7][..]));
        assert_eq!(following(&text, 3, 2), None);
        assert_eq!(following(&text, 11, 2), None);
        assert_eq!(following(&text, 12, 2), None);
        // One token again and again: the pattern may overlap its place.
        assert_eq!(following(&[5, 5, 5], 2, 4), Some(&[5][..]));
        assert_eq!(following(&[], 2, 4), None);
    }
}
