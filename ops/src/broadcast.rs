//! One row that meets every row of a tensor, and one number for each row.
//!
//! What belongs here: operands with fewer axes than the result. What does not: operands of one shape
//! ([`Cpu::zip`]).

use crate::cpu::Cpu;
use crate::parts::for_rows;
use trine_shapes::{AdditiveShape, At, Axis, Last, RolelessShape, Rows, Tensor, View};

impl Cpu {
    /// `y[.., a] = x[.., a] + row[a]` in f32, in the memory of `x`: `(.., A), (A,) -> (.., A)` at ranks 1 to 5.
    /// Reference: numpy's `x + row`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<3>), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// let row = Tensor::from_data((Fixed::<3>,), [10.0, 20.0, 30.0]);
    /// assert_eq!(cpu.add_to_rows(x, row.view()).data(), [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// A column does not pass for a row, whatever the lengths:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::{Plain, Tensor, View};
    /// fn shifted<T: Plain, A: Plain>(cpu: &Cpu, x: Tensor<f32, (T, A)>, column: View<f32, (T,)>) {
    ///     cpu.add_to_rows(x, column);
    /// }
    /// ```
    pub fn add_to_rows<S: RolelessShape + At<Last>>(
        &self,
        x: Tensor<f32, S>,
        row: View<'_, f32, (S::Here,)>,
    ) -> Tensor<f32, S> {
        rows_with(self, x, row.data(), |x, y| x + y)
    }

    /// `y[.., a] = x[.., a] row[a]` in f32, in the memory of `x`: `(.., A), (A,) -> (.., A)` at ranks 1 to 5.
    /// Reference: numpy's `x * row`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<2>), [1.0, 2.0, 3.0, 4.0]);
    /// let row = Tensor::from_data((Fixed::<2>,), [10.0, 100.0]);
    /// assert_eq!(cpu.multiply_rows(x, row.view()).data(), [10.0, 200.0, 30.0, 400.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn multiply_rows<S: RolelessShape + At<Last>>(
        &self,
        x: Tensor<f32, S>,
        row: View<'_, f32, (S::Here,)>,
    ) -> Tensor<f32, S> {
        rows_with(self, x, row.data(), |x, y| x * y)
    }

    /// `y[.., a] = x[.., a] factors[..]` in f32, in the memory of `x`: `(.., A), (..) -> (.., A)` at ranks 2 to 5, a
    /// number for each row. Reference: numpy's `x * factors[..., None]`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<3>), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// let factors = Tensor::from_data((Fixed::<2>,), [10.0, 100.0]);
    /// assert_eq!(cpu.scale_rows(x, factors.view()).data(), [10.0, 20.0, 30.0, 400.0, 500.0, 600.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scale_rows<S: AdditiveShape + Rows>(
        &self,
        x: Tensor<f32, S>,
        factors: View<'_, f32, S::Lead>,
    ) -> Tensor<f32, S> {
        let shape = x.shape();
        let (width, factors) = (shape.here().len(), factors.data());
        let mut data = x.into_data();
        for_rows(self, &mut data, width, width, |index, row| row.iter_mut().for_each(|x| *x *= factors[index]));
        Tensor::assume(shape, data, "a multiple keeps its shape")
    }
}

/// `x = function(x, y)` for every row of `x`, with `y` as long as a row.
fn rows_with<S: RolelessShape + At<Last>>(
    cpu: &Cpu,
    x: Tensor<f32, S>,
    y: &[f32],
    function: impl Fn(f32, f32) -> f32 + Send + Sync,
) -> Tensor<f32, S> {
    let shape = x.shape();
    let mut data = x.into_data();
    for_rows(cpu, &mut data, y.len(), y.len(), |_, row| {
        row.iter_mut().zip(y).for_each(|(x, y)| *x = function(*x, *y));
    });
    Tensor::assume(shape, data, "no axis has a role")
}
