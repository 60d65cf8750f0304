//! Log-probabilities of generated tokens, on standard error or in a document. What does not belong here: their
//! computation, which is the library's.

use crate::document;
use crate::message::line;
use crate::table::table;
use anyhow::Result;
use serde_json::{Value, json};
use trine::model::{Logprobs, TokenLogprob, Tokenizer};

/// Shows a line for each token: its text, its log-probability, and those of the likeliest tokens. Nothing where there
/// is none.
///
/// # Errors
/// The table cannot be made.
pub fn show(logprobs: &[Logprobs], tokenizer: &Tokenizer) -> Result<()> {
    if logprobs.is_empty() {
        return Ok(());
    }
    let mut rows = vec![["token", "logprob", "likeliest"].map(str::to_owned)];
    for Logprobs { chosen, best, .. } in logprobs {
        let best = best.iter().map(|token| format!("{} {}", quoted(token, tokenizer), number(token)));
        let best: Vec<String> = best.collect();
        rows.push([quoted(chosen, tokenizer), number(chosen), best.join(", ")]);
    }
    let mut out = Vec::new();
    table(&mut out, &rows)?;
    line(String::from_utf8_lossy(&out).trim_end());
    Ok(())
}

/// The text of a token as a string literal.
fn quoted(token: &TokenLogprob, tokenizer: &Tokenizer) -> String {
    format!("{:?}", document::piece(tokenizer, token.id).unwrap_or_default())
}

/// A token in a document, with its log-probability.
pub fn token(tokenizer: Option<&Tokenizer>, token: &TokenLogprob) -> Value {
    let mut described = document::token(tokenizer, token.id);
    described["logprob"] = json!(token.logprob);
    described
}

/// Some tokens.
pub fn tokens(tokenizer: Option<&Tokenizer>, tokens: &[TokenLogprob]) -> Vec<Value> {
    tokens.iter().map(|each| token(tokenizer, each)).collect()
}

fn number(token: &TokenLogprob) -> String {
    format!("{:.4}", token.logprob)
}
