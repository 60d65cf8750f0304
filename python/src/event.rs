//! What happened to a text, as Python sees it. What does not belong here: waiting for it.

use crate::errors::of_api;
use pyo3::prelude::*;
use trine::model::{Finish, Logprobs};
use trine_server::Event as Told;

/// A token and its log-probability.
pub type OfToken = (u32, f64);

/// Something that happened to one of some texts.
#[pyclass(frozen, get_all, module = "trine._trine")]
pub struct Event {
    /// Which text.
    index: usize,
    /// `started`, `prompt`, `token` or `done`.
    kind: &'static str,
    /// Text that is complete now.
    text: String,
    /// The token that was chosen.
    token: Option<u32>,
    /// The log-probability of that token, and the likeliest ones.
    logprobs: Option<(OfToken, Vec<OfToken>)>,
    /// Tokens of the prompt that were not computed.
    cached: usize,
    /// The log-likelihood of the end of the prompt, and whether each of its tokens is the likeliest one.
    score: Option<(f64, bool)>,
    /// Why the text has ended, and the token or the stop string that ended it.
    finish: Option<&'static str>,
    ended_by_token: Option<u32>,
    ended_by_text: Option<String>,
}

impl Event {
    /// What the server says; nothing where it is of no use. `scored_from` has, for each text, the number of the token
    /// of the prompt behind which scores begin.
    ///
    /// # Errors
    /// The text cannot go on.
    pub fn of(index: usize, told: Told, scored_from: &[usize]) -> PyResult<Option<Event>> {
        let empty = |kind| Event {
            index,
            kind,
            text: String::new(),
            token: None,
            logprobs: None,
            cached: 0,
            score: None,
            finish: None,
            ended_by_token: None,
            ended_by_text: None,
        };
        Ok(Some(match told {
            Told::Accepted => return Ok(None),
            Told::Started { cached, .. } => Event { cached, ..empty("started") },
            Told::Prompt(logprobs) => {
                Event { score: scored_from.get(index).map(|&from| score(&logprobs, from)), ..empty("prompt") }
            }
            Told::Token { is_shown: false, .. } => return Ok(None),
            Told::Token { id, text, logprobs, .. } => {
                Event { token: Some(id), text, logprobs: logprobs.as_ref().map(in_python), ..empty("token") }
            }
            Told::Done { text, finish, .. } => {
                let name = finish.name();
                let (ended_by_token, ended_by_text) = match finish {
                    Finish::Token(id) => (Some(id), None),
                    Finish::StopString(text) => (None, Some(text)),
                    _ => (None, None),
                };
                Event { text, finish: Some(name), ended_by_token, ended_by_text, ..empty("done") }
            }
            Told::Failed(error) => return Err(of_api(&error)),
        }))
    }
}

fn in_python(logprobs: &Logprobs) -> (OfToken, Vec<OfToken>) {
    let of = |token: &trine::model::TokenLogprob| (token.id, token.logprob);
    (of(&logprobs.chosen), logprobs.best.iter().map(of).collect())
}

/// The log-likelihood of the tokens behind the first `from`, and whether greedy decoding would choose each of them.
/// There is one entry for each token of the prompt behind the first.
fn score(logprobs: &[Logprobs], from: usize) -> (f64, bool) {
    let of = logprobs.get(from.saturating_sub(1)..).unwrap_or_default();
    let is_greedy = of.iter().all(|token| token.best.first().is_some_and(|best| best.id == token.chosen.id));
    (of.iter().map(|token| token.chosen.logprob).sum(), is_greedy)
}
