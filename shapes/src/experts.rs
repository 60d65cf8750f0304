//! The axes of feed-forward networks that are many, of which each token goes to some.
//!
//! What belongs here: axes. What does not: their lengths ([`Dims`](crate::Dims)), and which tokens go where, which the
//! crate of the operations has.

use crate::model::Model;

axis! {
    /// The experts of a block: feed-forward networks of one shape, each with weights of its own.
    pub struct Experts<M: Model> = |dims| dims.experts.count;
    /// The experts that a token goes to, the one with the largest share first.
    pub struct UsedExperts<M: Model> = |dims| dims.experts.used;
}
