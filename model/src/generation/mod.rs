//! From logits to text: which token is next, what of the text is complete, and when it ends.
//!
//! * `candidates.rs`, `filter.rs`, [`filters`]: the tokens that may be chosen, and what changes them;
//! * `sampler.rs`, `chain.rs`, `options.rs`: choosing one; filters and a sampler in a row; the row that numbers say;
//! * `logprobs.rs`: log-probabilities;
//! * `state.rs`: a generation as a state machine, without a model, a loop or a clock;
//! * `session.rs`: one text on a model, its state and its logits;
//! * `generate.rs`, `stream.rs`: loops over a session, one with a callback, one as an iterator.
//!
//! * `tokens.rs`: a tokenizer whose tokens are those of one model.
//!
//! Tokens that come in and go out are `Idx<Vocab<M>>`. Filters and samplers, which know no model, have ids. What does
//! not belong here: the forward pass and its logits (`network`), bytes and characters of tokens and stop strings in a
//! text (`trine-text`).

mod candidates;
mod chain;
mod filter;
pub mod filters;
mod generate;
mod logprobs;
mod options;
mod sampler;
mod session;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod tokens;

pub use candidates::{Candidate, Candidates};
pub use chain::SamplerChain;
pub use filter::LogitsFilter;
pub use generate::{GenerateError, Generated};
pub(crate) use logprobs::log_sum_exp;
pub use logprobs::{Logprobs, TokenLogprob};
pub use options::SamplerOptions;
pub use sampler::{Greedy, Multinomial, Sampler, SamplerError};
pub use session::Session;
pub use state::{Finish, GenerateOptions, Generation, GenerationError, GenerationStep, Next};
pub use stream::GenerationStream;
pub(crate) use tokens::checked;
pub use tokens::{ForModel, ModelTokenizer, WrongTokenizer};
