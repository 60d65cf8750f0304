//! Products of activations with each other: outer products and batched matrix products.
//!
//! What belongs here: products of two tensors in f32. What does not: products with weights ([`Cpu::linear`]).

use crate::cpu::Cpu;
use crate::parts::for_rows;
use trine_shapes::{At, Axis, Last, Roleless, RolelessShape, Rows, Shape, Tensor, View};

/// A shape `(.., A, K)` whose matrices multiply those of `Y = (.., K, B)`, at ranks 2 to 4.
#[diagnostic::on_unimplemented(
    message = "matrices of `{Self}` do not multiply those of `{Y}`",
    label = "expected `(.., A, K)` and `(.., K, B)`",
    note = "the last axis of the first is the last but one of the second, and the axes before the matrices are the same"
)]
pub trait Multiplies<Y: Rows>: Rows {
    /// The shape of the products: `(.., A, B)`.
    type Products: Shape;

    /// The shape of the products, and the length of `B`.
    fn products(self, other: Y) -> (Self::Products, usize);
}

macro_rules! multiplies {
    ($($axis:ident)*) => {
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, reason = "an axis has the name of its type")]
        impl<$($axis: Roleless,)* A: Roleless, K: Roleless, B: Roleless> Multiplies<($($axis,)* K, B)>
            for ($($axis,)* A, K)
        {
            type Products = ($($axis,)* A, B);

            fn products(self, other: ($($axis,)* K, B)) -> (($($axis,)* A, B), usize) {
                let ($($axis,)* a, _) = self;
                let b = At::<Last>::here(other);
                (($($axis,)* a, b), b.len())
            }
        }
    };
}
multiplies!();
multiplies!(M);
multiplies!(M N);

impl Cpu {
    /// `z[.., a, b] = sum_k x[.., a, k] y[.., k, b]`: `(.., A, K), (.., K, B) -> (.., A, B)` at ranks 2 to 4. Products
    /// are rounded to f32 and added in f32 in the order of `k`, from 0. Reference: `numpy.matmul`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// type Scores<'s, H, Q, K> = View<'s, f32, (H, Q, K)>;
    /// fn mixed<H: Plain, Q: Plain, K: Plain, D: Plain>(
    ///     cpu: &Cpu,
    ///     scores: Scores<H, Q, K>,
    ///     values: View<f32, (H, K, D)>,
    /// ) -> Tensor<f32, (H, Q, D)> {
    ///     cpu.matrix_product(scores, values)
    /// }
    /// ```
    /// The axis that is summed over is one:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn product<M: Model>(cpu: &Cpu, x: View<f32, (Fixed<8>, Ffn<M>)>, y: View<f32, (Hidden<M>, Fixed<3>)>) {
    ///     cpu.matrix_product(x, y);
    /// }
    /// ```
    pub fn matrix_product<X: Multiplies<Y>, Y: Rows>(
        &self,
        x: View<'_, f32, X>,
        y: View<'_, f32, Y>,
    ) -> Tensor<f32, X::Products> {
        let (shape, width) = x.shape().products(y.shape());
        let inner = x.shape().here().len();
        let lens = x.shape().lens();
        let rows = lens.as_ref().iter().rev().nth(1).map_or(1, |rows| *rows);
        let mut z = self.zeros(shape.elements());
        for_rows(self, &mut z, width, inner * width, |row, z| {
            let matrix = &y.data()[row / rows * inner * width..][..inner * width];
            for (x, y) in x.data()[row * inner..][..inner].iter().zip(matrix.chunks_exact(width)) {
                z.iter_mut().zip(y).for_each(|(z, y)| *z += x * y);
            }
        });
        Tensor::assume(shape, z, "a product for each row and column")
    }

    /// `z[a, b] = x[a] y[b]` in f32: `(A,), (B,) -> (A, B)`. Reference: `numpy.outer`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>,), [1.0, 10.0]);
    /// let y = Tensor::from_data((Fixed::<3>,), [2.0, 3.0, 4.0]);
    /// assert_eq!(cpu.outer_product(x.view(), y.view()).data(), [2.0, 3.0, 4.0, 20.0, 30.0, 40.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Rows are of the first:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn outer<A: Plain, B: Plain>(cpu: &Cpu, x: View<f32, (A,)>, y: View<f32, (B,)>) -> Tensor<f32, (B, A)> {
    ///     cpu.outer_product(x, y)
    /// }
    /// ```
    pub fn outer_product<A: Roleless, B: Roleless>(
        &self,
        x: View<'_, f32, (A,)>,
        y: View<'_, f32, (B,)>,
    ) -> Tensor<f32, (A, B)> {
        let shape = (x.shape().0, y.shape().0);
        let width = shape.1.len();
        let mut z = self.zeros(shape.elements());
        for_rows(self, &mut z, width, width, |row, z| {
            z.iter_mut().zip(y.data()).for_each(|(z, y)| *z = x.data()[row] * y);
        });
        Tensor::assume(shape, z, "a product for each pair")
    }

    /// `sum_a x[a] y[a]` for each row: `(.., A), (.., A) -> (..)` at ranks 2 to 5. Products are exact in f64, added
    /// there in the order of the axis, and rounded to f32 once. Reference: `numpy.vecdot`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<2>), [1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(cpu.row_products(x.view(), x.view()).data(), [5.0, 25.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn row_products<S: RolelessShape + Rows>(
        &self,
        x: View<'_, f32, S>,
        y: View<'_, f32, S>,
    ) -> Tensor<f32, S::Lead> {
        let (lead, width) = (x.shape().lead(), x.shape().here().len());
        let mut z = self.zeros(lead.elements());
        for_rows(self, &mut z, 1, width, |row, z| {
            let [x, y] = [x, y].map(|rows| &rows.data()[row * width..][..width]);
            z[0] = x.iter().zip(y).fold(0.0, |sum, (x, y)| sum + f64::from(*x) * f64::from(*y)) as f32;
        });
        Tensor::assume(lead, z, "a product for each row")
    }
}
