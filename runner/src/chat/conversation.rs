//! What was said in a conversation, and which of it the model is told. What does not belong here: how a template writes
//! it (`trine-text`), and files (`saved.rs`).

use trine::model::Message;

/// A message and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub message: String,
    /// Nothing where it is still to be answered.
    pub answer: Option<Answer>,
}

/// What the model said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    /// What it thought before; empty where it did not.
    pub thought: String,
}

/// A system message and turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    pub system: Option<String>,
    pub turns: Vec<Turn>,
    /// How many of the oldest turns the model is not told.
    pub dropped: usize,
}

impl Conversation {
    /// One without a turn.
    pub fn new(system: Option<String>) -> Conversation {
        Conversation { system, ..Conversation::default() }
    }

    /// What the model is told. Thoughts are for their own answer alone, as the publishers of models that think advise.
    pub fn messages(&self) -> Vec<Message> {
        let mut messages: Vec<Message> = self.system.iter().map(|text| Message::new("system", text)).collect();
        for turn in &self.turns[self.dropped..] {
            messages.push(Message::new("user", &turn.message));
            messages.extend(turn.answer.iter().map(|answer| Message::new("assistant", &answer.text)));
        }
        messages
    }

    /// Leaves out the oldest turn that the model is told, and says whether there was one before the last.
    pub fn drop_turn(&mut self) -> bool {
        let more = self.dropped + 1 < self.turns.len();
        self.dropped += usize::from(more);
        more
    }

    /// Takes the last turn away.
    pub fn pop(&mut self) -> Option<Turn> {
        let last = self.turns.pop();
        self.dropped = self.dropped.min(self.turns.len());
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(message: &str, answer: Option<&str>) -> Turn {
        let answer = answer.map(|text| Answer { text: text.to_owned(), thought: "hm".to_owned() });
        Turn { message: message.to_owned(), answer }
    }

    #[test]
    fn the_oldest_turns_are_dropped_whole_and_the_last_is_not() {
        let mut conversation = Conversation::new(Some("s".to_owned()));
        conversation.turns = vec![turn("a", Some("A")), turn("b", Some("B")), turn("c", None)];
        let told = |conversation: &Conversation| {
            let told = conversation.messages();
            told.iter().map(|message| format!("{}:{}", &message.role[..1], message.content)).collect::<Vec<_>>()
        };
        assert_eq!(told(&conversation), ["s:s", "u:a", "a:A", "u:b", "a:B", "u:c"]);
        assert!(conversation.drop_turn());
        assert_eq!(told(&conversation), ["s:s", "u:b", "a:B", "u:c"]);
        assert!(conversation.drop_turn() && !conversation.drop_turn());
        assert_eq!(told(&conversation), ["s:s", "u:c"]);
        assert_eq!(conversation.turns.len(), 3, "what was said stays");
        assert_eq!(conversation.pop(), Some(turn("c", None)));
        assert_eq!(told(&conversation), ["s:s"]);
        while conversation.pop().is_some() {}
        assert_eq!(conversation, Conversation::new(Some("s".to_owned())));
    }
}
