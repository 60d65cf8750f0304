//! Which matrices of a model are folded, and with which rotation.
//!
//! What belongs here: the description. What does not: the keys of files (`config/folding.rs`), and the rotation itself
//! ([`Fold`](trine_ops::Fold)).

use super::Role;
use std::collections::{BTreeMap, HashSet};

/// The rotation of the matrices of a model that are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folding {
    /// Elements that are transformed together, a power of two.
    pub block: usize,
    /// A sign for each element of inputs of a width, -1 or 1; empty where all signs are 1.
    pub signs: BTreeMap<usize, Vec<i8>>,
    /// The matrices that are folded.
    pub roles: HashSet<Role>,
    /// Whether the rows of the embedding are rotated. Where the head is the embedding, its input is rotated then.
    pub embedding: bool,
    /// Whether the columns of [`Projection::DeltaOutput`](super::Projection::DeltaOutput) have heads of values in
    /// groups of a head of keys, while everything else has them in tiles.
    pub grouped: bool,
}

impl Folding {
    /// Whether the matrix of a role is folded.
    pub fn folds(&self, role: Role) -> bool {
        match role {
            Role::TokenEmbedding => self.embedding,
            role => self.roles.contains(&role),
        }
    }

    /// The signs of inputs of a width; `None` where all are 1.
    pub fn signs(&self, width: usize) -> Option<Vec<f32>> {
        self.signs.get(&width).map(|signs| signs.iter().map(|sign| f32::from(*sign)).collect())
    }
}
