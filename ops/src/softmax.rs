//! Softmax and its logarithm: what makes probabilities of logits.
//!
//! What belongs here: normalisation along the last axis. What does not: attention ([`Cpu::attend`]), and sampling.

use crate::cpu::Cpu;
use crate::parts::for_rows;
use trine_shapes::{At, Axis, Last, LogProbability, Probability, RolelessShape, Rows, Shape, Tensor, View};

/// Operations for one element of a softmax, about.
const COST: usize = 16;

impl Cpu {
    /// `p_i = e^(x_i - max(x)) / sum_j e^(x_j - max(x))` along the last axis, in the memory of `x`:
    /// `(.., A) -> (.., Probability<A>)` at ranks 1 to 5.
    ///
    /// Each row is computed in f64, its sum in the order of the axis, and rounded to f32 once. A row that has NaN, or
    /// has its maximum at an infinity, is NaN. Reference: `scipy.special.softmax(x, axis=-1)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let logits = Tensor::from_data((Fixed::<2>, Fixed::<2>), [0.0, 0.0, 800.0, 0.0]);
    /// let p: Tensor<f32, (Fixed<2>, Probability<Fixed<2>>)> = cpu.softmax(logits);
    /// assert_eq!(p.data(), [0.5, 0.5, 1.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Probabilities are no logits:
    /// ```compile_fail,E0277
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn twice<T: Plain, M: Model>(cpu: &Cpu, logits: Tensor<f32, (T, Vocab<M>)>) {
    ///     cpu.softmax(cpu.softmax(logits));
    /// }
    /// ```
    pub fn softmax<S: RolelessShape + At<Last>>(
        &self,
        x: Tensor<f32, S>,
    ) -> Tensor<f32, S::With<Probability<S::Here>>> {
        let shape = x.shape();
        let axis = shape.here();
        let mut data = x.into_data();
        for_rows(self, &mut data, axis.len(), COST * axis.len(), |_, row| {
            let mut powers = axis.buf::<f64>();
            let (_, sum) = exponentials(row, &mut powers);
            row.iter_mut().zip(powers.iter()).for_each(|(x, power)| *x = (power / sum) as f32);
        });
        Tensor::assume(shape.with(Probability::of(axis)), data, "each row is divided by its sum")
    }

    /// `l_i = x_i - max(x) - ln(sum_j e^(x_j - max(x)))` along the last axis, in the memory of `x`:
    /// `(.., A) -> (.., LogProbability<A>)` at ranks 1 to 5.
    ///
    /// Each row is computed in f64, its sum in the order of the axis, and rounded to f32 once. A row that has NaN, or
    /// has its maximum at an infinity, is NaN. Reference: `scipy.special.log_softmax(x, axis=-1)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// fn cross_entropy<V: Plain>(
    ///     cpu: &Cpu,
    ///     logits: Tensor<f32, (Fixed<8>, V)>,
    ///     targets: View<'_, Idx<V>, (Fixed<8>,)>,
    /// ) -> f32 {
    ///     -cpu.total(cpu.log_softmax(logits).view().pick(targets).view()) / 8.0
    /// }
    /// ```
    pub fn log_softmax<S: RolelessShape + At<Last>>(
        &self,
        x: Tensor<f32, S>,
    ) -> Tensor<f32, S::With<LogProbability<S::Here>>> {
        let shape = x.shape();
        let axis = shape.here();
        let mut data = x.into_data();
        for_rows(self, &mut data, axis.len(), COST * axis.len(), |_, row| {
            let (max, sum) = exponentials(row, &mut axis.buf::<f64>());
            let logarithm = libm::log(sum);
            row.iter_mut().for_each(|x| *x = (f64::from(*x) - max - logarithm) as f32);
        });
        Tensor::assume(shape.with(LogProbability::of(axis)), data, "each row is normalised")
    }

    /// `ln(sum_i e^x_i)` along the last axis: `(.., A) -> (..)` at ranks 2 to 5.
    ///
    /// Each row is computed in f64, its sum in the order of the axis, and rounded to f32 once. A row that has NaN, or
    /// has its maximum at an infinity, is NaN. Reference: `scipy.special.logsumexp(x, axis=-1)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<2>), [1000.0, -1000.0, -500.0, -1e30]);
    /// assert_eq!(cpu.log_sum_exp(x.view()).data(), [1000.0, -500.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_sum_exp<S: RolelessShape + Rows>(&self, x: View<'_, f32, S>) -> Tensor<f32, S::Lead> {
        let (lead, axis) = (x.shape().lead(), x.shape().here());
        let mut y = self.zeros(lead.elements());
        for_rows(self, &mut y, 1, COST * axis.len(), |row, y| {
            let row = &x.data()[row * axis.len()..][..axis.len()];
            let (max, sum) = exponentials(row, &mut axis.buf::<f64>());
            y[0] = (max + libm::log(sum)) as f32;
        });
        Tensor::assume(lead, y, "a number for each row")
    }
}

/// Writes `e^(x - max(x))` for every element, and gives the maximum and their sum.
fn exponentials(x: &[f32], powers: &mut [f64]) -> (f64, f64) {
    let max = largest(x);
    let mut sum = 0.0;
    for (power, x) in powers.iter_mut().zip(x) {
        *power = libm::exp(f64::from(*x) - max);
        sum += *power;
    }
    (max, sum)
}

/// The largest of `x`; NaN is passed over, and shows in the exponentials.
fn largest(x: &[f32]) -> f64 {
    f64::from(x.iter().fold(f32::NEG_INFINITY, |max, x| if *x > max { *x } else { max }))
}
