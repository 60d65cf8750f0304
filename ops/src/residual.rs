//! The residual connection: what a branch is added to.
//!
//! Source: He et al. 2015 (arXiv 1512.03385), equation 1.

use crate::cpu::Cpu;
use trine_kernels::slices;
use trine_shapes::{AdditiveShape, Axis, Branch, Tensor, View};

/// The residual stream while a branch of it is computed. Only [`Cpu::add_branch`] gives it back, once.
#[derive(Debug)]
#[must_use = "the residual stream goes on by `add_branch`"]
pub struct Residual<T, A>(Tensor<f32, (T, A)>);

impl<T: Axis, A: Axis> Residual<T, A> {
    pub(crate) fn of(x: Tensor<f32, (T, A)>) -> Self {
        Residual(x)
    }
}

impl Cpu {
    /// `x + branch`, in f32, in the memory of `x`: `Residual<T, A>, (T, Branch<A>) -> (T, A)`.
    ///
    /// ```
    /// use trine_ops::{Cpu, Residual};
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// type Waiting<M> = Residual<Fixed<8>, Hidden<M>>;
    /// fn add<M: Model>(cpu: &Cpu, residual: Waiting<M>, branch: Of<Branch<Hidden<M>>>) -> Of<Hidden<M>> {
    ///     cpu.add_branch(residual, branch)
    /// }
    /// ```
    /// A stream is added to once:
    /// ```compile_fail,E0382
    /// # use trine_ops::{Cpu, Residual};
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// # type Waiting<M> = Residual<Fixed<8>, Hidden<M>>;
    /// fn add<M: Model>(cpu: &Cpu, residual: Waiting<M>, branch: Of<Branch<Hidden<M>>>) -> Of<Hidden<M>> {
    ///     cpu.add_branch(residual, branch);
    ///     cpu.add_branch(residual, branch)
    /// }
    /// ```
    pub fn add_branch<T: Axis, A: Axis>(
        &self,
        residual: Residual<T, A>,
        branch: Tensor<f32, (T, Branch<A>)>,
    ) -> Tensor<f32, (T, A)> {
        let mut x = residual.0;
        slices::add_assign(self, x.assume_mut("the stream with its branch"), branch.data());
        x
    }

    /// `x + y`, in f32, in the memory of `x`: `S, S -> S`. A sum of what two matrices made has the role that both made
    /// ([`Additive`](trine_shapes::Additive)).
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn sum<M: Model>(cpu: &Cpu, x: Of<Hidden<M>>, y: Of<Hidden<M>>) -> Of<Hidden<M>> {
    ///     cpu.add(x, y.view())
    /// }
    /// ```
    /// What a norm made is not what a norm would make of the sum:
    /// ```compile_fail,E0277
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, (Fixed<8>, A)>;
    /// fn sum<A: Axis>(cpu: &Cpu, x: Of<Normed<AttnNorm, A>>, y: Of<Normed<AttnNorm, A>>) {
    ///     cpu.add(x, y.view());
    /// }
    /// ```
    pub fn add<S: AdditiveShape>(&self, mut x: Tensor<f32, S>, y: View<'_, f32, S>) -> Tensor<f32, S> {
        slices::add_assign(self, x.assume_mut("a sum keeps its shape"), y.data());
        x
    }
}
