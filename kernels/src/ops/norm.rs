//! RMSNorm with its role in the type.

use crate::cpu::Cpu;
use crate::slices;
use core::marker::PhantomData;
use trine_shapes::{Axis, NormRole, Normed, Tensor, View};

/// A root-mean-square norm: its gains, its epsilon, and which norm of the block it is.
///
/// It never subtracts a mean: that would be a LayerNorm, which is another function.
#[derive(Clone, Debug)]
pub struct RmsNorm<R, A> {
    gain: Tensor<f32, (A,)>,
    epsilon: f32,
    role: PhantomData<R>,
}

impl<R: NormRole, A: Axis> RmsNorm<R, A> {
    /// A norm with role `R` over axis `A`.
    pub fn new(gain: Tensor<f32, (A,)>, epsilon: f32) -> Self {
        RmsNorm { gain, epsilon, role: PhantomData }
    }

    /// The gains.
    pub fn gain(&self) -> View<'_, f32, (A,)> {
        self.gain.view()
    }

    /// What is added to the mean square.
    pub fn epsilon(&self) -> f32 {
        self.epsilon
    }
}

impl Cpu {
    /// `y = x / sqrt(mean(x^2) + epsilon) * gain` for every token, in f32; the mean is taken in f64 and the factor
    /// rounded once.
    ///
    /// Shapes: `(T, A) -> (T, Normed<R, A>)`. Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
    ///
    /// ```
    /// use trine_kernels::{Cpu, RmsNorm};
    /// use trine_shapes::*;
    ///
    /// type Stream<M> = (Fixed<8>, Hidden<M>);
    /// fn before_attention<M: Model>(cpu: &Cpu, x: View<f32, Stream<M>>, norm: &RmsNorm<AttnNorm, Hidden<M>>) {
    ///     cpu.rms_norm(x, norm);
    /// }
    /// ```
    /// A norm of another width does not fit:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Stream<M> = (Fixed<8>, Hidden<M>);
    /// fn before_attention<M: Model>(cpu: &Cpu, x: View<f32, Stream<M>>, norm: &RmsNorm<FfnSubNorm, Ffn<M>>) {
    ///     cpu.rms_norm(x, norm);
    /// }
    /// ```
    #[inline]
    pub fn rms_norm<T: Axis, A: Axis, R: NormRole>(
        &self,
        x: View<'_, f32, (T, A)>,
        norm: &RmsNorm<R, A>,
    ) -> Tensor<f32, (T, Normed<R, A>)> {
        let (tokens, axis) = x.shape();
        let y = slices::rms_norm(self, x.data(), norm.gain.data(), norm.epsilon);
        Tensor::from_data((tokens, Normed::of(axis)), y)
    }

    /// [`rms_norm`](Cpu::rms_norm) of every head for itself: `(T, H, D) -> (T, H, D)`.
    ///
    /// Source: Henry et al. 2020 (arXiv 2010.04245) normalise queries and keys; with gains and this norm in Qwen3
    /// (arXiv 2505.09388, section 2).
    ///
    /// ```
    /// use trine_kernels::{Cpu, RmsNorm};
    /// use trine_shapes::*;
    ///
    /// type Queries<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn normed<T: Axis, M: Model>(cpu: &Cpu, q: Queries<T, M>, norm: &RmsNorm<QueryNorm, HeadDim<M>>) {
    ///     cpu.head_norm(q, norm);
    /// }
    /// ```
    /// Gains for all heads together are another norm:
    /// ```compile_fail,E0308
    /// # use trine_kernels::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Queries<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn normed<T: Axis, M: Model>(cpu: &Cpu, q: Queries<T, M>, norm: &RmsNorm<QueryNorm, QWidth<M>>) {
    ///     cpu.head_norm(q, norm);
    /// }
    /// ```
    pub fn head_norm<T: Axis, H: Axis, D: Axis, R: NormRole>(
        &self,
        x: Tensor<f32, (T, H, D)>,
        norm: &RmsNorm<R, D>,
    ) -> Tensor<f32, (T, H, D)> {
        let y = slices::rms_norm(self, x.data(), norm.gain.data(), norm.epsilon);
        Tensor::from_data(x.shape(), y)
    }
}
