//! From names to typed weights: every tensor of a file is claimed by exactly one role, checked against its axes, and
//! brought into the packing that the kernels run.
//!
//! * `load.rs`: weights in their roles; `claims.rs`: the inventory of a file; `parameters.rs`: the same for networks of
//!   a program's own, whose tensors have types; `checked.rs`: a tensor against its axes;
//! * `matrices.rs`: a tensor type of a file as a packing of the kernels; `words.rs`: the words of MLX; `floats.rs`:
//!   float matrices as codes; `triples.rs`: copies that decode faster;
//! * `adapters.rs`: matrices of low rank beside those of a model;
//! * `policy.rs`, `corrections.rs`: corrections that are ordered, and made.
//!
//! What belongs here: what tensors hold. What does not: where they lie in files (`files`, `trine-loader`).

#[cfg(feature = "text")]
mod adapters;
mod checked;
mod claims;
mod corrections;
mod error;
mod floats;
mod folds;
mod load;
mod matrices;
mod parameters;
mod policy;
mod triples;
mod words;

#[cfg(feature = "text")]
pub use adapters::{Adapter, AdapterError};
pub use error::{LoadError, LoadProblem};
pub(crate) use floats::{recognised, recognised_table};
pub use load::{GroupSize, LoadOptions, Loaded, MakeShortlist, Quantize, Requantize, load};
pub(crate) use matrices::{
    default_activations, factor_of, halves_row, packed, packing, scaled, scales_bias, usual_activations,
};
pub use parameters::{FromTensor, Parameter, Parameters};
pub use policy::{Corrected, Correction, Corrections, PolicyError, PolicyProblem};
pub use triples::KeepTriples;
