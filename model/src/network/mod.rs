//! The network: weights in their roles, the state of sequences, the forward pass, and the logits that it gives.
//!
//! What belongs here: the graph as the paper has it, typed. What does not: names and types of tensors in files
//! (`weights`, `schema`), arithmetic (`trine-kernels`), and text.

mod attention;
mod batch;
mod cost;
mod delta_net;
mod embeddings;
mod experts;
mod feed_forward;
mod linear;
mod logits;
mod ops;
mod part;
mod request;
mod state;
mod step;
mod transformer;
mod wanted;

pub use attention::{Attention, QkNorms, Queries, Reach};
pub use batch::KvCache;
pub use delta_net::DeltaNet;
pub use experts::MixtureOfExperts;
pub use feed_forward::SwiGlu;
pub use linear::{Linear, SubNorm};
pub use logits::{Logits, LogitsError, TokenLogits};
pub use ops::{Ops, Traced};
pub use part::Part;
pub use request::{LogitsRequest, TokenSet};
pub use state::{State, StatePool};
pub use step::{StepError, StepInput};
pub use transformer::{Block, FeedForward, Mixer, Transformer};
