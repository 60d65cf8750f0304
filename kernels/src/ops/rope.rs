//! Rotary position embedding: only what is rotated has the axis [`Rotated`].

use crate::arch::floats;
use crate::cpu::Cpu;
use crate::float::RopePairing;
use crate::float::rope::{RopeTable, Rotate, inverse_frequencies};
use trine_shapes::{Axis, Plus, Rotated, Shape, Tensor};

/// The rotation of heads with axis `D`: frequencies, the pairs they turn, and angles of all positions of a context.
///
/// Pair `i` of position `p` turns by `p * base^(-2i / rotated) / factor[i]` radians (RoFormer, arXiv 2104.09864,
/// section 3.2.2). Angles are computed as positions come into use.
#[derive(Debug)]
pub struct Rope<D> {
    head: D,
    pairing: RopePairing,
    table: RopeTable,
}

impl<D: Axis> Rope<D> {
    /// A rotation of the first `2 * factors.len()` elements of each head, for positions below `context`.
    ///
    /// # Panics
    /// If that is more than a head has.
    pub fn new(head: D, pairing: RopePairing, base: f32, factors: &[f32], context: usize) -> Self {
        let rotated = 2 * factors.len();
        assert!(rotated <= head.len(), "{rotated} elements of a head of {} cannot rotate", head.len());
        let table = RopeTable::new(inverse_frequencies(base, rotated, Some(factors)), context);
        Rope { head, pairing, table }
    }

    /// The axis of a head.
    pub fn head(&self) -> D {
        self.head
    }
}

impl Cpu {
    /// Rotates every head by the position of its token, in place; the positions are those of the second part of `at`.
    ///
    /// # Panics
    /// If a position is not below the context of `rope`.
    pub fn rope<B: Axis, P: Axis, S: Axis, H: Axis, D: Axis>(
        &self,
        mut x: Tensor<f32, (B, S, H, D)>,
        rope: &Rope<D>,
        at: Plus<P, S>,
    ) -> Tensor<f32, (B, S, H, Rotated<D>)> {
        let (batch, seq, heads, head) = x.shape();
        let (past, positions) = (at.0.len(), seq.len());
        let mut tasks: Vec<_> = x.data_mut().chunks_exact_mut(heads.len() * head.len()).collect();
        self.for_each(&mut tasks, |token, heads| {
            let (cos, sin) = rope.table.angles(past + token % positions);
            let head_dim = rope.head.len();
            floats::run(self.isa(), Rotate { heads, head_dim, pairing: rope.pairing, cos, sin });
        });
        let shape = (batch, seq, heads, Rotated::of(head));
        Tensor::check("rotated heads", x.into_data(), &shape.lens(), shape).expect("the same lengths")
    }
}
