//! Answers of a form: from a schema, an expression or a grammar to the tokens that may follow.
//!
//! What belongs here: what `llguidance` is asked and told, and the filter that keeps a generation to it. What does not:
//! how a request asks for a form (`request`), and what calls of tools look like (`prepare`).

mod compile;
mod expression;
mod filter;
mod gbnf;
mod vocabulary;

pub use compile::{Constraint, Grammars};
pub use expression::{literal, one_of};
pub use filter::Begins;

#[cfg(test)]
mod tests;
