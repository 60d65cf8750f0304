//! The network: weights in their roles, the state of sequences, and the forward pass.
//!
//! What belongs here: the graph as the paper has it, typed. What does not: names and types of tensors in files
//! (`weights`, `schema`), arithmetic (`trine-kernels`), and text.

mod attention;
mod batch;
mod cost;
mod feed_forward;
mod linear;
mod ops;
mod part;
mod state;
mod step;
mod transformer;

pub use attention::{Attention, QkNorms};
pub use batch::KvCache;
pub use feed_forward::SwiGlu;
pub use linear::{Linear, SubNorm};
pub use ops::{Ops, Traced};
pub use part::Part;
pub use state::{State, StatePool};
pub use step::{StepError, StepInput};
pub use transformer::{Block, FeedForward, Mixer, Transformer};
