//! The built-in filters, one struct each. They use of [`Candidates`](crate::Candidates) what users' filters can use;
//! their order is that of a [`SamplerChain`](crate::SamplerChain). What does not belong here: a choice (`sampler.rs`).

mod bias;
mod cuts;
mod penalties;
mod temperature;

pub use bias::LogitBias;
pub use cuts::{MinP, TopK, TopP};
pub use penalties::{FrequencyPresencePenalty, RepetitionPenalty};
pub use temperature::Temperature;
