//! Sums, means and extrema over an axis that is named, or over all elements.
//!
//! What belongs here: results with one axis less. What does not: which element is the largest ([`Cpu::argmax`]).

use crate::cpu::Cpu;
use crate::parts::for_pieces;
use trine_shapes::{
    Axis, Place, Plain, Roleless, RolelessShape, Sequences, Shape, Step, Tensor, View, Without, product_of,
};

/// Outputs that one thread computes side by side.
const SIDE_BY_SIDE: usize = 256;

impl Cpu {
    /// The sum over `axis`: `(.., A, ..) -> (.., ..)` at ranks 2 to 5. Sums are in f64, in the order of the axis, and
    /// rounded to f32 once; a sum of nothing is 0. Reference: `numpy.sum(x, axis)`.
    ///
    /// The place of the axis follows from its type. Where a shape has the axis twice, the place is written:
    /// `cpu.sum::<_, _, Second>(x, axis)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<3>), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    /// let rows: Tensor<f32, (Fixed<2>,)> = cpu.sum(x.view(), Fixed::<3>);
    /// let columns: Tensor<f32, (Fixed<3>,)> = cpu.sum(x.view(), Fixed::<2>);
    /// assert_eq!((rows.data(), columns.data()), (&[6.0, 60.0][..], &[11.0, 22.0, 33.0][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// An axis that the shape lacks has no place:
    /// ```compile_fail,E0277
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn summed<T: Plain, M: Model>(cpu: &Cpu, x: View<f32, (T, Hidden<M>)>, axis: Ffn<M>) {
    ///     cpu.sum(x, axis);
    /// }
    /// ```
    pub fn sum<A: Plain, S: RolelessShape + Without<A, P>, P: Place>(
        &self,
        x: View<'_, f32, S>,
        axis: A,
    ) -> Tensor<f32, S::Rest> {
        self.reduced(x, axis, 0.0, |sum, x| sum + f64::from(x), |sum| sum as f32)
    }

    /// The mean over `axis`: `(.., A, ..) -> (.., ..)` at ranks 2 to 5. It is computed in f64, added in the order of
    /// the axis, and rounded to f32 once; a mean of nothing is NaN. Reference: `numpy.mean(x, axis)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// type Patches<'p> = Seq<'p>;
    /// fn pooled<A: Plain>(cpu: &Cpu, x: Tensor<f32, (Fixed<2>, Patches, A)>) -> Tensor<f32, (Fixed<2>, A)> {
    ///     cpu.mean(x.view(), x.shape().1)
    /// }
    /// ```
    pub fn mean<A: Plain, S: RolelessShape + Without<A, P>, P: Place>(
        &self,
        x: View<'_, f32, S>,
        axis: A,
    ) -> Tensor<f32, S::Rest> {
        let count = axis.len() as f64;
        self.reduced(x, axis, 0.0, |sum, x| sum + f64::from(x), |sum| (sum / count) as f32)
    }

    /// The largest element over `axis`: `(.., A, ..) -> (.., ..)` at ranks 2 to 5. Of equal elements it is the
    /// first, of elements with NaN it is NaN, and of none negative infinity. Reference: `numpy.max(x, axis)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<3>), [1.0, 5.0, 3.0, 4.0, 2.0, 6.0]);
    /// assert_eq!(cpu.max(x.view(), Fixed::<2>).data(), [4.0, 5.0, 6.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max<A: Plain, S: RolelessShape + Without<A, P>, P: Place>(
        &self,
        x: View<'_, f32, S>,
        axis: A,
    ) -> Tensor<f32, S::Rest> {
        let larger = |max: f64, x: f32| if f64::from(x) > max || x.is_nan() { f64::from(x) } else { max };
        self.reduced(x, axis, f64::NEG_INFINITY, larger, |max| max as f32)
    }

    /// The smallest element over `axis`: `(.., A, ..) -> (.., ..)` at ranks 2 to 5. Of equal elements it is the first,
    /// of elements with NaN it is NaN, and of none infinity. Reference: `numpy.min(x, axis)`.
    pub fn min<A: Plain, S: RolelessShape + Without<A, P>, P: Place>(
        &self,
        x: View<'_, f32, S>,
        axis: A,
    ) -> Tensor<f32, S::Rest> {
        let smaller = |min: f64, x: f32| if f64::from(x) < min || x.is_nan() { f64::from(x) } else { min };
        self.reduced(x, axis, f64::INFINITY, smaller, |min| min as f32)
    }

    /// The sum of all elements, in f64 in row-major order, rounded to f32 once: `S -> ` one number. Reference:
    /// `numpy.sum(x)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// assert_eq!(cpu.total(Tensor::from_data((Fixed::<3>,), [1e30, 1.0, -1e30]).view()), 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn total<S: RolelessShape>(&self, x: View<'_, f32, S>) -> f32 {
        x.data().iter().fold(0.0, |sum, x| sum + f64::from(*x)) as f32
    }

    /// The mean over the tokens of each sequence of a step: `(T, A) -> (Sequences<T>, A)`. It is computed in f64, added
    /// in the order of the tokens, and rounded to f32 once. Reference: mean pooling of Reimers and Gurevych 2019 (arXiv
    /// 1908.10084), section 3.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let step = Uniform::assume(Fixed::<2>, Fixed::<0>, Fixed::<2>, "an example without state");
    /// let x = Tensor::of_sequence_rows("x", step, Fixed::<1>, &[&[1.0, 3.0], &[10.0, 20.0]])?;
    /// assert_eq!(cpu.mean_of_sequences(x.view()).data(), [2.0, 15.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mean_of_sequences<T: Step, A: Roleless>(&self, x: View<'_, f32, (T, A)>) -> Tensor<f32, (Sequences<T>, A)> {
        let (step, axis) = x.shape();
        let mut means = self.zeros(product_of(&[step.sequences(), axis.len()]));
        let (mut rows, mut outputs) = (x.data(), &mut means[..]);
        for span in step.spans() {
            let (now, later) = rows.split_at(span.tokens * axis.len());
            let (mean, others) = outputs.split_at_mut(axis.len());
            for (column, mean) in mean.iter_mut().enumerate() {
                let elements = now.iter().skip(column).step_by(axis.len());
                *mean = (elements.fold(0.0, |sum, x| sum + f64::from(*x)) / span.tokens as f64) as f32;
            }
            (rows, outputs) = (later, others);
        }
        Tensor::assume((Sequences::of(step), axis), means, "a mean for each sequence")
    }

    /// `end(fold(.. fold(start, x_0) .., x_n))` over `axis` for each combination of the other indices.
    fn reduced<A: Axis, S: RolelessShape + Without<A, P>, P: Place>(
        &self,
        x: View<'_, f32, S>,
        axis: A,
        start: f64,
        fold: impl Fn(f64, f32) -> f64 + Send + Sync,
        end: impl Fn(f64) -> f32 + Send + Sync,
    ) -> Tensor<f32, S::Rest> {
        let shape = x.shape();
        let inner = product_of(&shape.lens().as_ref()[S::PLACE + 1..]);
        let (rest, data, count) = (shape.rest(), x.data(), axis.len());
        let mut y = self.zeros(rest.elements());
        // Outputs side by side read memory in one stream; where the axis is the last one, there is one of them.
        for_pieces(self, &mut y, (inner, SIDE_BY_SIDE), count, |outer, column, outputs| {
            let mut folded = [start; SIDE_BY_SIDE];
            let folded = &mut folded[..outputs.len()];
            for row in outer * count..(outer + 1) * count {
                let elements = &data[row * inner + column..][..folded.len()];
                folded.iter_mut().zip(elements).for_each(|(folded, x)| *folded = fold(*folded, *x));
            }
            outputs.iter_mut().zip(folded).for_each(|(y, folded)| *y = end(*folded));
        });
        Tensor::assume(rest, y, "an output for each combination of the other indices")
    }
}
