//! From logits to text: which token is next, what of the text is complete, and when it ends.
//!
//! * `candidates.rs`, `filter.rs`, [`filters`]: the tokens that may be chosen, and what changes them;
//! * `sampler.rs`, `chain.rs`, `options.rs`: choosing one; filters and a sampler in a row; the row that numbers say;
//! * `logprobs.rs`: log-probabilities;
//! * `state.rs`: a generation as a state machine, without a model, a loop or a clock;
//! * `session.rs`: one text on a model, its state and its logits;
//! * `speculation.rs`: tokens that are guessed and checked together; `draft.rs`: a smaller model that guesses;
//! * `generate.rs`, `stream.rs`: loops over a session, one with a callback, one as an iterator.
//!
//! * `tokens.rs`: a tokenizer whose tokens are those of one model; `ids.rs`: ids as its tokens, and back.
//!
//! Without the feature `text` there are sessions alone.
//!
//! Tokens that come in and go out are `Idx<Vocab<M>>`. Filters and samplers, which know no model, have ids. What does
//! not belong here: the forward pass and its logits (`network`), bytes and characters of tokens and stop strings in a
//! text (`trine-text`).

#[cfg(feature = "text")]
mod candidates;
#[cfg(feature = "text")]
mod chain;
#[cfg(feature = "text")]
mod draft;
#[cfg(feature = "text")]
mod filter;
#[cfg(feature = "text")]
pub mod filters;
#[cfg(feature = "text")]
mod generate;
mod ids;
#[cfg(feature = "text")]
mod logprobs;
#[cfg(feature = "text")]
mod options;
#[cfg(feature = "text")]
mod sampler;
mod session;
#[cfg(feature = "text")]
mod speculation;
#[cfg(feature = "text")]
mod state;
#[cfg(feature = "text")]
mod stream;
#[cfg(all(test, feature = "text"))]
mod tests;
#[cfg(feature = "text")]
mod tokens;

#[cfg(feature = "text")]
pub use candidates::{Candidate, Candidates};
#[cfg(feature = "text")]
pub use chain::SamplerChain;
#[cfg(feature = "text")]
pub use draft::Draft;
#[cfg(feature = "text")]
pub use filter::LogitsFilter;
#[cfg(feature = "text")]
pub use generate::{GenerateError, Generated};
pub(crate) use ids::checked;
#[cfg(feature = "text")]
pub(crate) use logprobs::log_sum_exp;
#[cfg(feature = "text")]
pub use logprobs::{Logprobs, TokenLogprob};
#[cfg(feature = "text")]
pub use options::SamplerOptions;
#[cfg(feature = "text")]
pub use sampler::{Greedy, Multinomial, Sampler, SamplerError};
pub use session::Session;
#[cfg(feature = "text")]
pub use speculation::{Guess, Guesses};
#[cfg(feature = "text")]
pub use state::{Finish, GenerateOptions, Generation, GenerationError, GenerationStep, Next};
#[cfg(feature = "text")]
pub use stream::GenerationStream;
#[cfg(feature = "text")]
pub use tokens::{ForModel, ModelTokenizer, WrongTokenizer};
