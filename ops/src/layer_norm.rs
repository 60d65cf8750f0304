//! LayerNorm with its role in the type, and RMSNorm along the last axis of any shape.
//!
//! What belongs here: norms beside [`RmsNorm`] of a residual stream. What does not: the roles of norms
//! ([`NormRole`]).

use crate::cpu::Cpu;
use crate::parts::for_rows;
use crate::residual::Residual;
use core::marker::PhantomData;
use trine_shapes::{At, Axis, Last, NormRole, Normed, Plain, RolelessShape, Tensor, View};

/// A layer norm: its gains, its biases, its epsilon, and which norm of the block it is.
///
/// It subtracts the mean: without that it would be an [`RmsNorm`](crate::RmsNorm), which is another function.
#[derive(Clone, Debug)]
pub struct LayerNorm<R, A> {
    gain: Tensor<f32, (A,)>,
    bias: Tensor<f32, (A,)>,
    epsilon: f32,
    role: PhantomData<R>,
}

impl<R: NormRole, A: Plain> LayerNorm<R, A> {
    /// A norm with role `R` over axis `A`. Models whose norms have no bias give zeros.
    pub fn new(gain: Tensor<f32, (A,)>, bias: Tensor<f32, (A,)>, epsilon: f32) -> Self {
        LayerNorm { gain, bias, epsilon, role: PhantomData }
    }
}

impl<R: NormRole, A: Axis> LayerNorm<R, A> {
    /// The gains.
    pub fn gain(&self) -> View<'_, f32, (A,)> {
        self.gain.view()
    }

    /// The biases.
    pub fn bias(&self) -> View<'_, f32, (A,)> {
        self.bias.view()
    }

    /// What is added to the variance.
    pub fn epsilon(&self) -> f32 {
        self.epsilon
    }

    /// `x` normalised, in place.
    fn normalise(&self, cpu: &Cpu, x: &mut [f32]) {
        let width = self.gain.data().len();
        for_rows(cpu, x, width, 4 * width, |_, row| {
            let count = width as f64;
            let mean = row.iter().fold(0.0, |sum, x| sum + f64::from(*x)) / count;
            let square = |x: f32| (f64::from(x) - mean) * (f64::from(x) - mean);
            let variance = row.iter().fold(0.0, |sum, x| sum + square(*x)) / count;
            let deviation = libm::sqrt(variance + f64::from(self.epsilon));
            let affine = self.gain.data().iter().zip(self.bias.data());
            for (x, (gain, bias)) in row.iter_mut().zip(affine) {
                let normal = (f64::from(*x) - mean) / deviation;
                *x = (normal * f64::from(*gain) + f64::from(*bias)) as f32;
            }
        });
    }
}

impl Cpu {
    /// `y = (x - mean(x)) / sqrt(variance(x) + epsilon) * gain + bias` along the last axis, in the memory of `x`:
    /// `(.., A) -> (.., Normed<R, A>)` at ranks 1 to 5.
    ///
    /// The variance is the mean square of `x - mean(x)`. Each row is computed in f64, its sums in the order of the
    /// axis, and rounded to f32 once. Source: Ba, Kiros and Hinton 2016 (arXiv 1607.06450), equation 3. Reference:
    /// `torch.nn.functional.layer_norm`.
    ///
    /// ```
    /// use trine_ops::{Cpu, LayerNorm};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// type Normalised<M> = Of<Normed<OutputNorm, Hidden<M>>>;
    /// fn last<M: Model>(cpu: &Cpu, x: Of<Hidden<M>>, norm: &LayerNorm<OutputNorm, Hidden<M>>) -> Normalised<M> {
    ///     cpu.layer_norm(x, norm)
    /// }
    /// ```
    /// An RMSNorm is another function:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, RmsNorm};
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn last<M: Model>(cpu: &Cpu, x: Of<Hidden<M>>, norm: &RmsNorm<OutputNorm, Hidden<M>>) {
    ///     cpu.layer_norm(x, norm);
    /// }
    /// ```
    pub fn layer_norm<S: RolelessShape + At<Last>, R: NormRole>(
        &self,
        x: Tensor<f32, S>,
        norm: &LayerNorm<R, S::Here>,
    ) -> Tensor<f32, S::With<Normed<R, S::Here>>>
    where
        S::Here: Plain,
    {
        let shape = x.shape();
        let mut data = x.into_data();
        norm.normalise(self, &mut data);
        Tensor::assume(shape.with(Normed::of(shape.here())), data, "the norm was applied")
    }

    /// [`layer_norm`](Cpu::layer_norm) of the residual stream, which waits for the branch that begins here:
    /// `(T, A) -> (T, Normed<R, A>), Residual<T, A>`.
    ///
    /// ```
    /// use trine_ops::{Cpu, LayerNorm};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn block<A: Plain>(
    ///     cpu: &Cpu,
    ///     x: Of<A>,
    ///     norm: &LayerNorm<FfnNorm, A>,
    ///     network: impl Fn(Of<Normed<FfnNorm, A>>) -> Of<Branch<A>>,
    /// ) -> Of<A> {
    ///     let (h, residual) = cpu.pre_layer_norm(x, norm);
    ///     cpu.add_branch(residual, network(h))
    /// }
    /// ```
    /// The branch alone is no stream:
    /// ```compile_fail,E0308
    /// # use trine_ops::{Cpu, LayerNorm};
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn block<A: Plain>(
    ///     cpu: &Cpu,
    ///     x: Of<A>,
    ///     norm: &LayerNorm<FfnNorm, A>,
    ///     network: impl Fn(Of<Normed<FfnNorm, A>>) -> Of<Branch<A>>,
    /// ) -> Of<A> {
    ///     let (h, _) = cpu.pre_layer_norm(x, norm);
    ///     network(h)
    /// }
    /// ```
    pub fn pre_layer_norm<T: Axis, A: Axis, R: NormRole>(
        &self,
        x: Tensor<f32, (T, A)>,
        norm: &LayerNorm<R, A>,
    ) -> (Tensor<f32, (T, Normed<R, A>)>, Residual<T, A>) {
        let (tokens, axis) = x.shape();
        let mut data = self.zeros(x.data().len());
        data.copy_from_slice(x.data());
        norm.normalise(self, &mut data);
        let normed = Tensor::assume((tokens, Normed::of(axis)), data, "the norm was applied");
        (normed, Residual::of(x))
    }
}
