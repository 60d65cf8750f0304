//! RMSNorm with its role in the type.

use crate::cpu::Cpu;
use crate::residual::Residual;
use core::marker::PhantomData;
use trine_kernels::slices;
use trine_shapes::{
    At, Axis, Branch, BranchNorm, Buffer, HeadNorm, Last, NormRole, Normed, Pairing, Plain, RolelessShape, Rotated,
    Tensor, View,
};

/// A root-mean-square norm: its gains, its epsilon, and which norm of the block it is.
///
/// It never subtracts a mean: that would be a LayerNorm, which is another function.
#[derive(Clone, Debug)]
pub struct RmsNorm<R, A> {
    gain: Tensor<f32, (A,)>,
    epsilon: f32,
    role: PhantomData<R>,
}

impl<R: NormRole, A: Plain> RmsNorm<R, A> {
    /// A norm with role `R` over axis `A`.
    pub fn new(gain: Tensor<f32, (A,)>, epsilon: f32) -> Self {
        RmsNorm { gain, epsilon, role: PhantomData }
    }
}

impl<R: NormRole, A: Axis> RmsNorm<R, A> {
    /// The gains.
    pub fn gain(&self) -> View<'_, f32, (A,)> {
        self.gain.view()
    }

    /// What is added to the mean square.
    pub fn epsilon(&self) -> f32 {
        self.epsilon
    }

    /// The rows of `x`, normalised.
    pub(crate) fn normalise(&self, cpu: &Cpu, x: &[f32]) -> Buffer<f32> {
        slices::rms_norm(cpu, x, self.gain.data(), self.epsilon)
    }
}

impl Cpu {
    /// `y = x / sqrt(mean(x^2) + epsilon) * gain` for every token, in f32; the mean is taken in f64 and the factor
    /// rounded once.
    ///
    /// Shapes: `(T, A) -> (T, Normed<R, A>)`. Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
    ///
    /// ```
    /// use trine_ops::{Cpu, RmsNorm};
    /// use trine_shapes::*;
    ///
    /// type Stream<M> = Tensor<f32, (Fixed<8>, Hidden<M>)>;
    /// fn before_the_head<M: Model>(cpu: &Cpu, x: Stream<M>, norm: &RmsNorm<OutputNorm, Hidden<M>>) {
    ///     cpu.rms_norm(x, norm);
    /// }
    /// ```
    /// A norm of another width does not fit:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Stream<M> = Tensor<f32, (Fixed<8>, Hidden<M>)>;
    /// fn before_the_head<M: Model>(cpu: &Cpu, x: Stream<M>, norm: &RmsNorm<FfnSubNorm, Ffn<M>>) {
    ///     cpu.rms_norm(x, norm);
    /// }
    /// ```
    #[inline]
    pub fn rms_norm<T: Axis, A: Axis, R: NormRole>(
        &self,
        x: Tensor<f32, (T, A)>,
        norm: &RmsNorm<R, A>,
    ) -> Tensor<f32, (T, Normed<R, A>)> {
        self.normed(x.view(), norm)
    }

    /// [`rms_norm`](Cpu::rms_norm) of the residual stream, which waits for the branch that begins here:
    /// `(T, A) -> (T, Normed<R, A>), Residual<T, A>`.
    ///
    /// ```
    /// use trine_ops::{Cpu, RmsNorm};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// type Normalised<M> = Of<Normed<AttnNorm, Hidden<M>>>;
    /// fn block<M: Model>(
    ///     cpu: &Cpu,
    ///     x: Of<Hidden<M>>,
    ///     norm: &RmsNorm<AttnNorm, Hidden<M>>,
    ///     attention: impl Fn(Normalised<M>) -> Of<Branch<Hidden<M>>>,
    /// ) -> Of<Hidden<M>> {
    ///     let (h, residual) = cpu.pre_norm(x, norm);
    ///     cpu.add_branch(residual, attention(h))
    /// }
    /// ```
    /// Without the residual connection there is no stream to go on with:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// # type Normalised<M> = Of<Normed<AttnNorm, Hidden<M>>>;
    /// fn block<M: Model>(
    ///     cpu: &Cpu,
    ///     x: Of<Hidden<M>>,
    ///     norm: &RmsNorm<AttnNorm, Hidden<M>>,
    ///     attention: impl Fn(Normalised<M>) -> Of<Branch<Hidden<M>>>,
    /// ) -> Of<Hidden<M>> {
    ///     let (h, _) = cpu.pre_norm(x, norm);
    ///     attention(h)
    /// }
    /// ```
    #[inline]
    pub fn pre_norm<T: Axis, A: Axis, R: NormRole>(
        &self,
        x: Tensor<f32, (T, A)>,
        norm: &RmsNorm<R, A>,
    ) -> (Tensor<f32, (T, Normed<R, A>)>, Residual<T, A>) {
        let normed = self.normed(x.view(), norm);
        (normed, Residual::of(x))
    }

    #[inline]
    fn normed<T: Axis, A: Axis, R: NormRole>(
        &self,
        x: View<'_, f32, (T, A)>,
        norm: &RmsNorm<R, A>,
    ) -> Tensor<f32, (T, Normed<R, A>)> {
        let (tokens, axis) = x.shape();
        let y = norm.normalise(self, x.data());
        Tensor::assume((tokens, Normed::of(axis)), y, "the norm was applied")
    }

    /// [`rms_norm`](Cpu::rms_norm) of a branch before it is added, as Gemma 2 has it (arXiv 2408.00118, section 2): it
    /// stays a branch. `(T, Branch<A>) -> (T, Branch<A>)`.
    pub fn branch_norm<T: Axis, A: Axis, R: BranchNorm>(
        &self,
        x: Tensor<f32, (T, Branch<A>)>,
        norm: &RmsNorm<R, A>,
    ) -> Tensor<f32, (T, Branch<A>)> {
        let y = norm.normalise(self, x.data());
        Tensor::assume(x.shape(), y, "a normalised branch is a branch")
    }

    /// [`rms_norm`](Cpu::rms_norm) of every head for itself: `(T, H, D) -> (T, H, D)`.
    ///
    /// Source: Henry et al. 2020 (arXiv 2010.04245) normalise queries and keys; with gains and this norm in Qwen3
    /// (arXiv 2505.09388, section 2).
    ///
    /// ```
    /// use trine_ops::{Cpu, RmsNorm};
    /// use trine_shapes::*;
    ///
    /// type Queries<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn normed<T: Axis, M: Model>(cpu: &Cpu, q: Queries<T, M>, norm: &RmsNorm<QueryNorm, HeadDim<M>>) {
    ///     cpu.head_norm(q, norm);
    /// }
    /// ```
    /// Gains for all heads together are another norm:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Queries<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn normed<T: Axis, M: Model>(cpu: &Cpu, q: Queries<T, M>, norm: &RmsNorm<QueryNorm, QWidth<M>>) {
    ///     cpu.head_norm(q, norm);
    /// }
    /// ```
    pub fn head_norm<T: Axis, H: Axis, D: Axis, R: HeadNorm>(
        &self,
        x: Tensor<f32, (T, H, D)>,
        norm: &RmsNorm<R, D>,
    ) -> Tensor<f32, (T, H, D)> {
        let y = norm.normalise(self, x.data());
        Tensor::assume(x.shape(), y, "plain axes, as they were")
    }

    /// [`head_norm`](Cpu::head_norm) of heads that are rotated already, which stay so: `(T, H, Rotated<D>) -> (T, H,
    /// Rotated<D>)`. Gains are for the elements in the order that RoPE leaves them in, which is that of the matrix
    /// where it turns halves ([`RopePairing::NeoX`](trine_shapes::RopePairing::NeoX)). Source: `hunyuan-dense` of
    /// llama.cpp.
    pub fn rotated_head_norm<T: Axis, H: Axis, D: Axis, P: Pairing, R: HeadNorm>(
        &self,
        x: Tensor<f32, (T, H, Rotated<D, P>)>,
        norm: &RmsNorm<R, D>,
    ) -> Tensor<f32, (T, H, Rotated<D, P>)> {
        let y = norm.normalise(self, x.data());
        Tensor::assume(x.shape(), y, "a multiple of each element of what is rotated")
    }

    /// `y = x / sqrt(mean(x^2) + epsilon) * gain` along the last axis, which stays as it is: `(.., D) -> (.., D)` at
    /// ranks 1 to 5. It is [`head_norm`](Cpu::head_norm) for heads in any layout, with the same bits.
    ///
    /// ```
    /// use trine_ops::{Cpu, RmsNorm};
    /// use trine_shapes::*;
    ///
    /// type Keys<B, T, M> = Tensor<f32, (B, T, KvHeads<M>, HeadDim<M>)>;
    /// fn normed<B: Plain, T: Plain, M: Model>(
    ///     cpu: &Cpu,
    ///     keys: Keys<B, T, M>,
    ///     norm: &RmsNorm<KeyNorm, HeadDim<M>>,
    /// ) -> Keys<B, T, M> {
    ///     cpu.norm_heads(keys, norm)
    /// }
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Keys<B, T, M> = Tensor<f32, (B, T, KvHeads<M>, HeadDim<M>)>;
    /// fn normed<B: Plain, T: Plain, M: Model>(cpu: &Cpu, keys: Keys<B, T, M>, norm: &RmsNorm<KeyNorm, KvWidth<M>>) {
    ///     cpu.norm_heads(keys, norm);
    /// }
    /// ```
    pub fn norm_heads<S: RolelessShape + At<Last>, R: HeadNorm>(
        &self,
        x: Tensor<f32, S>,
        norm: &RmsNorm<R, S::Here>,
    ) -> Tensor<f32, S>
    where
        S::Here: Plain,
    {
        let y = norm.normalise(self, x.data());
        Tensor::assume(x.shape(), y, "axes without a role, as they were")
    }
}
