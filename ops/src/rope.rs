//! Rotary position embedding: only what is rotated has the axis [`Rotated`].

use crate::cpu::Cpu;
use trine_kernels::slices::{self, RopeTable};
use trine_shapes::{Axis, Pairing, Plain, RopePairing, Rotated, Step, Tensor, product_of};

/// The rotation of heads with axis `D`: frequencies, the pairs they turn, and angles of all positions of a context.
///
/// Pair `i` of position `p` turns by `p * base^(-2i / rotated) / factor[i]` radians (RoFormer, arXiv 2104.09864,
/// section 3.2.2). Angles are computed as positions come into use. `R` is the pairing where the source has it.
#[derive(Debug)]
pub struct Rope<D, R = RopePairing> {
    head: D,
    pairing: R,
    table: RopeTable,
}

impl<D: Plain, R: Pairing> Rope<D, R> {
    /// A rotation of the first `2 * factors.len()` elements of each head. Angles of positions below `context` are kept
    /// once computed, those of others are computed each time.
    ///
    /// # Panics
    /// If that is more than a head has.
    pub fn new(head: D, pairing: R, base: f32, factors: &[f32], context: usize) -> Self {
        let rotated = 2 * factors.len();
        assert!(rotated <= head.len(), "{rotated} elements of a head of {} cannot rotate", head.len());
        Rope { head, pairing, table: RopeTable::with_factors(base, factors, context) }
    }

    /// No rotation: heads keep all elements as they are, as in layers whose attention knows no positions.
    pub fn none(head: D, pairing: R) -> Self {
        Rope::new(head, pairing, 1.0, &[], 0)
    }

    /// The same rotation with every cosine and sine multiplied by `multiplier`, as YaRN has it (arXiv 2309.00071,
    /// section 3.4). With 1, results are the same bits.
    pub fn with_multiplier(self, multiplier: f32) -> Self {
        Rope { table: self.table.with_multiplier(multiplier), ..self }
    }

    /// The axis of a head.
    pub fn head(&self) -> D {
        self.head
    }
}

impl Cpu {
    /// Rotates every head by the position of its token, which the step knows, in place:
    /// `(T, H, D) -> (T, H, Rotated<D>)`, each pair `(a, b)` to `(a cos - b sin, b cos + a sin)` in f32.
    ///
    /// Pairs come out in halves, the first elements before the second ones, whichever elements of `x` they were. So
    /// attention adds up a score in one order, and two files of one model that differ in the order of the rows of
    /// their query and key matrices give the same bits.
    ///
    /// Source: Su et al. 2021 (arXiv 2104.09864), equation 34.
    ///
    /// ```
    /// use trine_ops::{Cpu, Rope};
    /// use trine_shapes::*;
    ///
    /// type Queries<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn rotate<T: Step, M: Model>(cpu: &Cpu, q: Queries<T, M>, rope: &Rope<HeadDim<M>>) {
    ///     cpu.rope(q, rope);
    /// }
    /// ```
    /// Twice is once too often:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, Rope};
    /// # use trine_shapes::*;
    /// # type Queries<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn rotate<T: Step, M: Model>(cpu: &Cpu, q: Queries<T, M>, rope: &Rope<HeadDim<M>>) {
    ///     cpu.rope(cpu.rope(q, rope), rope);
    /// }
    /// ```
    pub fn rope<T: Step, H: Axis, D: Axis, R: Pairing>(
        &self,
        mut x: Tensor<f32, (T, H, D)>,
        rope: &Rope<D, R>,
    ) -> Tensor<f32, (T, H, Rotated<D, R>)> {
        let (step, heads, head) = x.shape();
        let reason = "every head is rotated";
        let width = product_of(&[heads.len(), head.len()]);
        let pairing = match rope.pairing.pairing() {
            RopePairing::NeoX => slices::RopePairing::NeoX,
            RopePairing::Adjacent => slices::RopePairing::Adjacent,
        };
        slices::rope(self, x.assume_mut(reason), (width, head.len()), pairing, &rope.table, step.positions());
        x.assume_axes((step, heads, Rotated::of(head)), reason)
    }
}
