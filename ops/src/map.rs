//! Operations on every element for itself, or with its counterpart in another tensor.
//!
//! What belongs here: functions of one element, and of two at one place. What does not: a row that meets all rows
//! ([`Cpu::add_to_rows`]), gates ([`Cpu::gated`]), and the residual connection ([`Cpu::add_branch`]).

use crate::cpu::Cpu;
use crate::parts::{for_elements, for_pairs};
use core::f64::consts::{FRAC_1_SQRT_2, PI};
use trine_shapes::{AdditiveShape, RolelessShape, Tensor, View};

/// A function of one number. Each is computed in f64 by the `libm` crate and rounded to f32 once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `x / (1 + e^-x)`. Source: Elfwing, Uchibe and Doya 2017 (arXiv 1702.03118), section 2.
    Silu,
    /// `x P(X <= x)` for a standard normal `X`, which is `x / 2 (1 + erf(x / sqrt(2)))`. Source: Hendrycks and Gimpel
    /// 2016 (arXiv 1606.08415), section 2.
    Gelu,
    /// `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`. Source: the same paper and section.
    GeluTanh,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `tanh(x)`.
    Tanh,
    /// `e^x`.
    Exp,
    /// `ln(1 + e^x)`, without overflow.
    Softplus,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `max(x, 0)^2`; NaN stays NaN. Source: So et al. 2021 (arXiv 2109.08668), section 3.
    ReluSquared,
}

impl Function {
    /// The function at `x`.
    ///
    /// ```
    /// use trine_ops::Function;
    /// assert_eq!((Function::ReluSquared.at(3.0), Function::Sigmoid.at(0.0)), (9.0, 0.5));
    /// ```
    pub fn at(self, x: f32) -> f32 {
        let positive = if x < 0.0 { 0.0 } else { x };
        let x = f64::from(x);
        let y = match self {
            Function::Silu => x * sigmoid(x),
            Function::Gelu => x / 2.0 * libm::erfc(-x * FRAC_1_SQRT_2),
            // `(1 + tanh(u)) / 2` is the sigmoid of `2 u`, which loses no digits where the tangent nears -1.
            Function::GeluTanh => x * sigmoid(2.0 * libm::sqrt(2.0 / PI) * (x + 0.044715 * x * x * x)),
            Function::Sigmoid => sigmoid(x),
            Function::Tanh => libm::tanh(x),
            Function::Exp => libm::exp(x),
            Function::Softplus => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
            Function::Relu => return positive,
            Function::ReluSquared => return positive * positive,
        };
        y as f32
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

impl Cpu {
    /// `y = function(x)` for every element, in the memory of `x`: `S -> S`. Reference: the functions of
    /// `torch.nn.functional`.
    ///
    /// ```
    /// use trine_ops::{Cpu, Function};
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<1>, Fixed::<3>), [-1.0, 0.0, 2.0]);
    /// assert_eq!(cpu.map(x, Function::ReluSquared).data(), [0.0, 0.0, 4.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// What is no longer normalised does not have the axis of what is:
    /// ```compile_fail,E0277
    /// # use trine_ops::{Cpu, Function};
    /// # use trine_shapes::*;
    /// fn activated<T: Plain, A: Plain>(cpu: &Cpu, x: Tensor<f32, (T, Normed<FfnNorm, A>)>) {
    ///     cpu.map(x, Function::Silu);
    /// }
    /// ```
    pub fn map<S: RolelessShape>(&self, x: Tensor<f32, S>, function: Function) -> Tensor<f32, S> {
        self.map_by(x, |x| function.at(x))
    }

    /// `y = function(x)` for every element and any function, in the memory of `x`: `S -> S`. Results depend on the
    /// machine only if `function` does, as those of `f32::exp` do and those of `libm::expf` do not.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<3>,), [-5.0, 0.5, 5.0]);
    /// assert_eq!(cpu.map_by(x, |x| x.clamp(-1.0, 1.0)).data(), [-1.0, 0.5, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_by<S: RolelessShape>(
        &self,
        x: Tensor<f32, S>,
        function: impl Fn(f32) -> f32 + Send + Sync,
    ) -> Tensor<f32, S> {
        let shape = x.shape();
        let mut data = x.into_data();
        for_elements(self, &mut data, |x| *x = function(*x));
        Tensor::assume(shape, data, "no axis has a role")
    }

    /// `factor x` in f32, in the memory of `x`: `S -> S`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// assert_eq!(cpu.scale(Tensor::from_data((Fixed::<2>,), [3.0, -1.0]), 0.5).data(), [1.5, -0.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scale<S: AdditiveShape>(&self, x: Tensor<f32, S>, factor: f32) -> Tensor<f32, S> {
        let shape = x.shape();
        let mut data = x.into_data();
        for_elements(self, &mut data, |x| *x *= factor);
        Tensor::assume(shape, data, "a multiple keeps its shape")
    }

    /// `function(x, y)` for every element of `x` and its counterpart in `y`, in the memory of `x`: `S, S -> S`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let [x, y] = [[1.0, 5.0], [4.0, 2.0]].map(|data| Tensor::from_data((Fixed::<2>,), data));
    /// assert_eq!(cpu.zip(x, y.view(), |x, y| if x < y { y } else { x }).data(), [4.0, 5.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zip<S: RolelessShape>(
        &self,
        x: Tensor<f32, S>,
        y: View<'_, f32, S>,
        function: impl Fn(f32, f32) -> f32 + Send + Sync,
    ) -> Tensor<f32, S> {
        let shape = x.shape();
        let mut data = x.into_data();
        for_pairs(self, &mut data, y.data(), |x, y| *x = function(*x, y));
        Tensor::assume(shape, data, "no axis has a role")
    }

    /// `x y`, element by element, in f32, in the memory of `x`: `S, S -> S`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn gated<M: Model>(cpu: &Cpu, x: Of<Ffn<M>>, y: Of<Ffn<M>>) -> Of<Ffn<M>> {
    ///     cpu.product(x, y.view())
    /// }
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn gated<M: Model>(cpu: &Cpu, x: Of<Ffn<M>>, y: Of<Hidden<M>>) -> Of<Ffn<M>> {
    ///     cpu.product(x, y.view())
    /// }
    /// ```
    pub fn product<S: RolelessShape>(&self, x: Tensor<f32, S>, y: View<'_, f32, S>) -> Tensor<f32, S> {
        self.zip(x, y, |x, y| x * y)
    }

    /// `x - y`, element by element, in f32, in the memory of `x`: `S, S -> S`.
    pub fn difference<S: RolelessShape>(&self, x: Tensor<f32, S>, y: View<'_, f32, S>) -> Tensor<f32, S> {
        self.zip(x, y, |x, y| x - y)
    }

    /// `x / y`, element by element, in f32, in the memory of `x`: `S, S -> S`.
    pub fn quotient<S: RolelessShape>(&self, x: Tensor<f32, S>, y: View<'_, f32, S>) -> Tensor<f32, S> {
        self.zip(x, y, |x, y| x / y)
    }
}
