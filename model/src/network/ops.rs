//! The operations of the forward pass, and who sees their results.
//!
//! What belongs here: what computes a part, and that the part is shown. What does not: what is computed.

use super::linear::Linear;
use super::part::Part;
use crate::description::BlockNorm;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use trine_kernels::Matrix;
use trine_ops::{Activations, Cached, Cpu, Embedding, Gating, Residual, RmsNorm, Rope};
use trine_shapes::{
    AdditiveShape, Axis, Branch, BranchNorm, Causal, Gate, HeadNorm, Idx, Made, NormRole, Normed, Pairing, Plain,
    Product, Roleless, Rotated, Shape, Step, Tensor, View,
};

/// What a forward pass runs on: a [`Cpu`], or one whose results somebody sees ([`Traced`]).
pub trait Ops {
    /// Where operations are computed.
    fn cpu(&self) -> &Cpu;

    /// Begins a block, or what is outside of blocks.
    fn enter(&self, block: Option<usize>);

    /// Shows a part, as soon as it is computed.
    fn see(&self, part: Part, values: &[f32]);

    /// Shows a tensor, and passes it on.
    fn seen<S: Shape>(&self, part: Part, x: Tensor<f32, S>) -> Tensor<f32, S> {
        self.see(part, x.data());
        x
    }

    /// [`Cpu::scale`], where there is something to do.
    fn scaled<S: AdditiveShape>(&self, x: Tensor<f32, S>, factor: f32) -> Tensor<f32, S> {
        if factor == 1.0 { x } else { self.cpu().scale(x, factor) }
    }

    /// [`Cpu::embed`], each row times a factor.
    fn embedded<T: Roleless, V: Axis, H: Plain>(
        &self,
        ids: View<'_, Idx<V>, (T,)>,
        table: &Embedding<Matrix, V, H>,
        factor: f32,
    ) -> Tensor<f32, (T, H)> {
        self.seen(Part::Embedding, self.scaled(self.cpu().embed(ids, table), factor))
    }

    /// [`Cpu::rms_norm`].
    fn norm<T: Axis, A: Axis, R: NormRole>(
        &self,
        norm: BlockNorm,
        x: Tensor<f32, (T, A)>,
        gains: &RmsNorm<R, A>,
    ) -> Tensor<f32, (T, Normed<R, A>)> {
        self.seen(Part::Norm(norm), self.cpu().rms_norm(x, gains))
    }

    /// [`Cpu::pre_norm`].
    fn pre_norm<T: Axis, A: Axis, R: NormRole>(
        &self,
        norm: BlockNorm,
        x: Tensor<f32, (T, A)>,
        gains: &RmsNorm<R, A>,
    ) -> (Activations<T, Normed<R, A>>, Residual<T, A>) {
        let (normed, residual) = self.cpu().pre_norm(x, gains);
        (Activations::new(self.seen(Part::Norm(norm), normed)), residual)
    }

    /// [`Cpu::head_norm`].
    fn head_norm<T: Axis, H: Axis, D: Axis, R: HeadNorm>(
        &self,
        norm: BlockNorm,
        x: Tensor<f32, (T, H, D)>,
        gains: &RmsNorm<R, D>,
    ) -> Tensor<f32, (T, H, D)> {
        self.seen(Part::Norm(norm), self.cpu().head_norm(x, gains))
    }

    /// [`Cpu::rotated_head_norm`].
    fn rotated_head_norm<T: Axis, H: Axis, D: Axis, P: Pairing, R: HeadNorm>(
        &self,
        norm: BlockNorm,
        x: Tensor<f32, (T, H, Rotated<D, P>)>,
        gains: &RmsNorm<R, D>,
    ) -> Tensor<f32, (T, H, Rotated<D, P>)> {
        self.seen(Part::Norm(norm), self.cpu().rotated_head_norm(x, gains))
    }

    /// [`Cpu::branch_norm`], where the graph has that norm.
    fn branch_norm<T: Axis, A: Axis, R: BranchNorm>(
        &self,
        norm: BlockNorm,
        x: Tensor<f32, (T, Branch<A>)>,
        gains: Option<&RmsNorm<R, A>>,
    ) -> Tensor<f32, (T, Branch<A>)> {
        match gains {
            Some(gains) => self.seen(Part::Norm(norm), self.cpu().branch_norm(x, gains)),
            None => x,
        }
    }

    /// [`Cpu::linear`].
    fn linear<T: Axis, I: Axis, O: Made>(&self, x: &Activations<T, I>, layer: &Linear<O, I>) -> Tensor<f32, (T, O)> {
        self.seen(Part::Matrix(layer.projection()), self.cpu().linear(x, layer))
    }

    /// [`Cpu::rope`], of queries or of keys.
    fn rope<T: Step, H: Axis, D: Axis, R: Pairing>(
        &self,
        part: Part,
        x: Tensor<f32, (T, H, D)>,
        rope: &Rope<D, R>,
    ) -> Tensor<f32, (T, H, Rotated<D, R>)> {
        self.seen(part, self.cpu().rope(x, rope))
    }

    /// [`Cpu::attention_within`].
    fn attention<T: Step, H, K: Axis, G: Axis, D: Axis, R: Pairing>(
        &self,
        q: View<'_, f32, (T, H, Rotated<D, R>)>,
        cached: &Cached<'_, K, D, Causal<T>, R>,
        window: NonZeroUsize,
    ) -> Tensor<f32, (T, H, D)>
    where
        H: Product<Outer = K, Inner = G>,
    {
        self.seen(Part::Attention, self.cpu().attention_within(q, cached, window))
    }

    /// [`Cpu::gated`].
    fn gated<T: Axis, A: Axis>(
        &self,
        by: Gating<A>,
        gate: Tensor<f32, (T, Gate<A>)>,
        up: Tensor<f32, (T, A)>,
    ) -> Tensor<f32, (T, A)> {
        self.seen(Part::Gated, self.cpu().gated(by, gate, up))
    }

    /// [`Cpu::add_branch`]: the residual connection after a mixer or after the feed-forward network.
    fn add_branch<T: Axis, A: Axis>(
        &self,
        part: Part,
        residual: Residual<T, A>,
        branch: Tensor<f32, (T, Branch<A>)>,
    ) -> Tensor<f32, (T, A)> {
        self.seen(part, self.cpu().add_branch(residual, branch))
    }
}

/// [`Cpu::linears`].
pub(super) fn linears<T: Axis, I: Axis, O: Made>(
    ops: &impl Ops,
    products: &[(&Activations<T, I>, &Linear<O, I>)],
) -> Vec<Tensor<f32, (T, O)>> {
    let weights: Vec<_> = products.iter().map(|(x, layer)| (*x, &***layer)).collect();
    let made = ops.cpu().linears(&weights).into_iter().zip(products);
    made.map(|(y, (_, layer))| ops.seen(Part::Matrix(layer.projection()), y)).collect()
}

/// Nobody sees results.
impl Ops for Cpu {
    fn cpu(&self) -> &Cpu {
        self
    }

    #[inline(always)]
    fn enter(&self, _: Option<usize>) {}

    #[inline(always)]
    fn see(&self, _: Part, _: &[f32]) {}
}

/// A [`Cpu`] whose results somebody sees: with the number of the block (`None` outside of blocks), each [`Part`] as
/// soon as it is computed, and its values, row by row. What is computed stays the same.
pub struct Traced<'a> {
    cpu: &'a Cpu,
    block: Cell<Option<usize>>,
    see: RefCell<&'a mut dyn FnMut(Option<usize>, Part, &[f32])>,
}

impl<'a> Traced<'a> {
    /// Shows the results of `cpu` to `see`.
    pub fn new(cpu: &'a Cpu, see: &'a mut dyn FnMut(Option<usize>, Part, &[f32])) -> Self {
        Traced { cpu, block: Cell::new(None), see: RefCell::new(see) }
    }
}

impl Ops for Traced<'_> {
    fn cpu(&self) -> &Cpu {
        self.cpu
    }

    fn enter(&self, block: Option<usize>) {
        self.block.set(block);
    }

    fn see(&self, part: Part, values: &[f32]) {
        (self.see.borrow_mut())(self.block.get(), part, values);
    }
}
