//! Log-probabilities of generated tokens, on standard error. What does not belong here: their computation, which is the
//! library's.

use crate::message::note;
use crate::table::table;
use anyhow::Result;
use trine::model::{Logprobs, TokenLogprob, Tokenizer};

/// Shows a line for each token: its text, its log-probability, and those of the likeliest tokens. Nothing where there
/// is none.
///
/// # Errors
/// A token is not the tokenizer's.
pub fn show(logprobs: &[Logprobs], tokenizer: &Tokenizer) -> Result<()> {
    if logprobs.is_empty() {
        return Ok(());
    }
    let mut rows = vec![["token", "logprob", "likeliest"].map(str::to_owned)];
    for Logprobs { chosen, best, .. } in logprobs {
        let best = best.iter().map(|token| Ok(format!("{} {}", quoted(token, tokenizer)?, number(token))));
        let best: Vec<String> = best.collect::<Result<_>>()?;
        rows.push([quoted(chosen, tokenizer)?, number(chosen), best.join(", ")]);
    }
    let mut out = Vec::new();
    table(&mut out, &rows)?;
    note(String::from_utf8_lossy(&out).trim_end());
    Ok(())
}

/// The text of a token as a string literal.
fn quoted(token: &TokenLogprob, tokenizer: &Tokenizer) -> Result<String> {
    let mut bytes = Vec::new();
    tokenizer.decode_into(token.id, true, &mut bytes)?;
    Ok(format!("{:?}", String::from_utf8_lossy(&bytes)))
}

fn number(token: &TokenLogprob) -> String {
    format!("{:.4}", token.logprob)
}
