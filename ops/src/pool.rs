//! One row for a whole sequence: what stands for a text where texts are compared.
//!
//! What belongs here: making that row and its length 1. What does not: the network in front of it, and comparing.

use crate::cpu::Cpu;
use crate::parts::for_rows;
use alloc::vec::Vec;
use trine_shapes::{Axis, Normed, OutputNorm, Plain, Pooled, Sequences, Step, Tensor, product_of};

/// Which row stands for a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// That of its last token.
    Last,
    /// The mean of those of all its tokens.
    Mean,
}

impl Cpu {
    /// One row for each sequence of a step that has all its tokens: `(T, Normed<OutputNorm, H>) -> (Sequences<T>,
    /// Pooled<H>)`. A mean is added up in f64, in the order of the tokens, and rounded once.
    ///
    /// ```
    /// use trine_ops::{Cpu, Pooling};
    /// use trine_shapes::*;
    ///
    /// type Final<T, M> = Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)>;
    /// type Embeddings<T, M> = Tensor<f32, (Sequences<T>, Pooled<Hidden<M>>)>;
    /// fn embeddings<T: Step, M: Model>(cpu: &Cpu, x: Final<T, M>) -> Embeddings<T, M> {
    ///     cpu.unit_rows(cpu.pool(x, Pooling::Last))
    /// }
    /// ```
    /// What stands for a text is not what a head predicts a token from:
    /// ```compile_fail,E0308
    /// # use trine_kernels::Matrix;
    /// # use trine_ops::{Activations, Cpu, Head, Pooling};
    /// # use trine_shapes::*;
    /// # type Final<T, M> = Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)>;
    /// # type Output<M> = Head<Matrix, Vocab<M>, Hidden<M>>;
    /// fn logits<T: Step, M: Model>(cpu: &Cpu, x: Final<T, M>, head: &Output<M>) {
    ///     cpu.logits(&Activations::new(cpu.pool(x, Pooling::Last)), head);
    /// }
    /// ```
    pub fn pool<T: Step, H: Plain>(
        &self,
        x: Tensor<f32, (T, Normed<OutputNorm, H>)>,
        by: Pooling,
    ) -> Tensor<f32, (Sequences<T>, Pooled<H>)> {
        let (step, axis) = x.shape();
        let shape = (Sequences::of(step), Pooled::of(axis.inner()));
        let width = axis.len();
        if by == Pooling::Last {
            return Tensor::assume(shape, x.view().last().into_data(), "the last row stands for the sequence");
        }
        let mut ends = Vec::with_capacity(step.sequences());
        step.spans().fold(0, |start, span| {
            ends.push((start, start + span.tokens));
            start + span.tokens
        });
        let mut y = self.zeros(product_of(&[step.sequences(), width]));
        for_rows(self, &mut y, width, x.data().len() / step.sequences().max(1), |sequence, row| {
            let (start, end) = ends[sequence];
            let rows = &x.data()[start * width..end * width];
            for (column, y) in row.iter_mut().enumerate() {
                let sum = rows[column..].iter().step_by(width).fold(0.0, |sum, value| sum + f64::from(*value));
                *y = (sum / (end - start) as f64) as f32;
            }
        });
        Tensor::assume(shape, y, "the mean stands for the sequence")
    }

    /// Each row divided by its length, so that the product of two rows is their cosine: `(S, Pooled<H>) -> (S,
    /// Pooled<H>)`. The length is computed in f64; rows of zeros stay.
    pub fn unit_rows<S: Axis, H: Axis>(&self, mut x: Tensor<f32, (S, Pooled<H>)>) -> Tensor<f32, (S, Pooled<H>)> {
        let width = x.shape().1.len();
        for_rows(self, x.assume_mut("a part of a row stands for its sequence too"), width, 2 * width, |_, row| {
            let squares = row.iter().fold(0.0, |sum, value| sum + f64::from(*value) * f64::from(*value));
            let factor = if squares > 0.0 { 1.0 / libm::sqrt(squares) } else { 1.0 };
            row.iter_mut().for_each(|value| *value = (f64::from(*value) * factor) as f32);
        });
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_shapes::{Fixed, Ragged, Span};

    /// Sequences of two and of three tokens, of which one is at a position behind others.
    #[test]
    fn a_row_for_each_sequence() {
        let cpu = Cpu::new(Default::default()).expect("a machine");
        Ragged::assume(&[Span { past: 0, tokens: 2 }, Span { past: 4, tokens: 3 }], "a test", |step| {
            let x = |value: f32| (0..10).map(|i| value * i as f32).collect::<Vec<f32>>();
            let rows = || Tensor::assume((step, Normed::of(Fixed::<2>)), x(1.5), "a test");
            assert_eq!(cpu.pool(rows(), Pooling::Last).data(), [3.0, 4.5, 12.0, 13.5]);
            let mean = cpu.pool(rows(), Pooling::Mean);
            assert_eq!(mean.data(), [1.5, 3.0, 9.0, 10.5]);
            for row in cpu.unit_rows(mean).data().chunks_exact(2) {
                assert!((row[0] * row[0] + row[1] * row[1] - 1.0).abs() < 1e-6, "{row:?}");
            }
            let zeros = Tensor::assume((step, Normed::of(Fixed::<2>)), x(0.0), "a test");
            assert_eq!(cpu.unit_rows(cpu.pool(zeros, Pooling::Mean)).data(), [0.0; 4]);
        });
    }
}
