//! What a model is, before any of its weights is looked at.
//!
//! * `architecture.rs`, `graph.rs`: which architectures there are, and what their graphs choose;
//! * `config.rs`: lengths and numbers, read from the keys of a GGUF file and written as such; `rope.rs`: those of RoPE;
//! * `scales.rs`: numbers that scale what is computed;
//! * `folding.rs`: which matrices are folded;
//! * `layers.rs`: which blocks mix positions in which way; `sliding.rs`: which attend to a part of the past;
//! * [`schema`], `role.rs`: which tensors a model has, and what each of them is for.
//!
//! What belongs here: values. What does not: files (`files`) and typed weights (`network`).

mod architecture;
mod config;
mod error;
mod folding;
mod graph;
mod layers;
mod role;
mod rope;
mod scales;
pub mod schema;
mod sliding;

pub use architecture::Architecture;
pub use config::Config;
pub(crate) use config::{MAX_CONTEXT, with_alpha};
pub use error::{ConfigError, ConfigProblem};
pub use folding::Folding;
pub(crate) use graph::NoSubNorms;
pub use graph::{Biases, Graph, Presence, QkNorm};
pub use layers::{Layers, MixerKind, MixerOrder};
pub use role::Role;
pub(crate) use role::block_number;
pub use rope::{LongRope, RopeConfig, RopeFactors, RopeScaling, Yarn};
pub use scales::{ScaledBy, Scales};
pub use schema::{BlockNorm, BlockNumbers, Projection};
pub use sliding::{Sliding, SlidingOrder};
