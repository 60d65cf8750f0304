//! An answer in a conversation: what of it fits into the context, and what is said where something does not.

use super::conversation::Answer;
use super::{Chat, Flow};
use crate::args::OnFull;
use crate::display::Display;
use crate::draft::Speaker;
use crate::generation::{self, Streamed};
use crate::message::{line, note};
use anyhow::Result;
use trine::model::Finish;
use trine::shapes::Model;
use trine::text::ThoughtParser;

impl Chat<'_> {
    /// Answers the last message. Where it cannot be answered, the conversation stays as it was.
    ///
    /// # Errors
    /// The messages are refused or do not fit, or the output cannot be written.
    pub(super) fn answer<M: Model>(&mut self, speaker: &mut Speaker<'_, M>) -> Result<Flow> {
        let dropped = self.conversation.dropped;
        let answered = self.generate(speaker);
        if answered.is_err() {
            self.conversation.dropped = dropped;
        }
        answered
    }

    fn generate<M: Model>(&mut self, speaker: &mut Speaker<'_, M>) -> Result<Flow> {
        let positions = speaker.session.capacity();
        let (prompt, dropped) = self.fitting_prompt(positions)?;
        generation::check_room(&speaker.session, &prompt)?;
        self.say_if_dropped(dropped, positions);
        let parser = ThoughtParser::new().after(&generation::end_of(self.tokenizer, &prompt));
        let mut display = Display::new(self.settings.manner, parser);
        let streamed = self.generation.stream(speaker, self.tokenizer, &prompt, &mut |text| display.push(text))?;
        let spoken = display.finish()?;
        let Streamed { generated, signal, .. } = streamed;
        if let Some(turn) = self.conversation.turns.last_mut() {
            turn.answer = Some(Answer { text: spoken.answer, thought: spoken.thought });
        }
        self.say_if_cut(&generated.finish, positions);
        let speed = generation::statistics(&generated, self.generation.seed);
        let used = format!("{} of {positions} positions are used", speaker.session.tokens().len());
        if self.settings.stats {
            line(&format!("{speed}; {used}"));
        }
        self.last = Some(format!("{speed}; {used}"));
        Ok(signal.filter(|signal| !signal.is_ctrl_c()).map_or(Flow::On, Flow::Signal))
    }

    /// The tokens that the model is told, and how many turns were dropped for them. Where they leave too little room
    /// for an answer, the oldest turns are dropped until half of the context is free, so that this is seldom.
    fn fitting_prompt(&mut self, positions: usize) -> Result<(Vec<u32>, usize)> {
        let mut prompt = self.prompt()?;
        let room = self.settings.tokens.min(positions / 4).max(1);
        if prompt.len().saturating_add(room) <= positions {
            return Ok((prompt, 0));
        }
        if self.settings.on_full == OnFull::Stop {
            let (tokens, turns) = (prompt.len(), self.conversation.turns.len());
            return if tokens > positions && turns > 1 {
                Err(Full { tokens, positions }.into())
            } else {
                Ok((prompt, 0))
            };
        }
        let mut dropped = 0;
        while prompt.len() > positions / 2 && self.conversation.drop_turn() {
            dropped += 1;
            prompt = self.prompt()?;
        }
        Ok((prompt, dropped))
    }

    fn say_if_dropped(&self, dropped: usize, positions: usize) {
        let turns = match dropped {
            0 => return,
            1 => "turn is".to_owned(),
            _ => format!("{dropped} turns are"),
        };
        let kept = if self.conversation.system.is_some() { ", the system message is kept" } else { "" };
        note(&format!("note: the context of {positions} positions is full: the oldest {turns} dropped{kept}"));
    }

    fn prompt(&self) -> Result<Vec<u32>> {
        generation::begun(self.template.encode(self.tokenizer, &self.conversation.messages(), true)?)
    }

    fn say_if_cut(&self, finish: &Finish, positions: usize) {
        match finish {
            Finish::MaxTokens => {
                let tokens = self.settings.tokens;
                note(&format!("note: the answer was cut after {tokens} tokens: `/set tokens COUNT` allows for more"));
            }
            Finish::ContextFull => generation::note_full(positions),
            Finish::Interrupted => note("note: the answer was interrupted"),
            _ => {}
        }
    }
}

/// A conversation that has become too long, where none of it may be dropped.
#[derive(Debug)]
pub struct Full {
    tokens: usize,
    positions: usize,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Full { tokens, positions } = self;
        write!(
            f,
            "the conversation has {tokens} tokens, but the context has {positions} positions: `--on-full drop` drops \
             the oldest turns"
        )
    }
}

impl std::error::Error for Full {}
