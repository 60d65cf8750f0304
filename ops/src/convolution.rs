//! Causal convolution of each channel for itself along a sequence, as state space models have it before their scan.
//!
//! What belongs here: depthwise convolution. What does not: recurrences ([`Cpu::scan`]), and biases
//! ([`Cpu::add_to_rows`]).

use crate::cpu::Cpu;
use crate::parts::for_rows;
use alloc::vec::Vec;
use trine_shapes::{Fixed, Named, Plain, Shape, Step, Tensor, View};

impl Cpu {
    /// `y[s, c] = sum_k kernel[c, k] x[s - (K - 1) + k, c]`, with zeros before the first position:
    /// `(S, C), (C, K) -> (S, C)`. The last tap meets the position's own element. Products are rounded to f32 and added
    /// in f32 in the order of `k`, from 0. Source: Gu and Dao 2023 (arXiv 2312.00752), section 3.4. Reference:
    /// `torch.nn.functional.conv1d` with `groups = C` and `padding = K - 1`, cut to the first `S` positions.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor, axis};
    ///
    /// axis! { struct Steps = 3; }
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Steps, Fixed::<1>), [1.0, 2.0, 3.0]);
    /// let kernel = Tensor::from_data((Fixed::<1>, Fixed::<2>), [10.0, 1.0]);
    /// assert_eq!(cpu.causal_convolution(x.view(), kernel.view()).data(), [1.0, 12.0, 23.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// A kernel has a row for each channel, not for each tap:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn mixed<S: Named, C: Plain>(cpu: &Cpu, x: View<f32, (S, C)>, kernel: View<f32, (Fixed<4>, C)>) {
    ///     cpu.causal_convolution(x, kernel);
    /// }
    /// ```
    pub fn causal_convolution<S: Named, C: Plain, K: Plain>(
        &self,
        x: View<'_, f32, (S, C)>,
        kernel: View<'_, f32, (C, K)>,
    ) -> Tensor<f32, (S, C)> {
        let nothing = Tensor::zeros((Fixed::<0>, x.shape().1));
        self.causal_convolution_after(nothing.view(), x, kernel)
    }

    /// [`causal_convolution`](Cpu::causal_convolution) of a sequence that goes on: `before` are the positions before
    /// the first, with zeros before them. `(P, C), (S, C), (C, K) -> (S, C)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor, axis};
    ///
    /// axis! { struct Steps = 2; }
    /// let cpu = Cpu::new(Default::default())?;
    /// let before = Tensor::from_data((Fixed::<1>, Fixed::<1>), [1.0]);
    /// let x = Tensor::from_data((Steps, Fixed::<1>), [2.0, 3.0]);
    /// let kernel = Tensor::from_data((Fixed::<1>, Fixed::<2>), [10.0, 1.0]);
    /// assert_eq!(cpu.causal_convolution_after(before.view(), x.view(), kernel.view()).data(), [12.0, 23.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn causal_convolution_after<P: Plain, S: Named, C: Plain, K: Plain>(
        &self,
        before: View<'_, f32, (P, C)>,
        x: View<'_, f32, (S, C)>,
        kernel: View<'_, f32, (C, K)>,
    ) -> Tensor<f32, (S, C)> {
        let shape = x.shape();
        let (channels, taps, past) = (shape.1.len(), kernel.shape().1.len(), before.shape().0.len());
        let mut y = self.zeros(shape.elements());
        for_rows(self, &mut y, channels, channels * taps, |position, y| {
            for tap in 0..taps {
                // The position of the tap's element among those of `before` and `x`, if it is there.
                let Some(from) = (past + position + 1 + tap).checked_sub(taps) else { continue };
                let row =
                    if from < past { &before.data()[from * channels..] } else { &x.data()[(from - past) * channels..] };
                let weights = kernel.data().iter().skip(tap).step_by(taps);
                y.iter_mut().zip(row).zip(weights).for_each(|((y, x), weight)| *y += weight * x);
            }
        });
        Tensor::assume(shape, y, "plain axes say nothing of the elements")
    }

    /// [`causal_convolution`](Cpu::causal_convolution) of each sequence of a step for itself:
    /// `(T, C), (C, K) -> (T, C)`. Positions before the step are not there. A batch without state is such a step
    /// ([`Uniform::whole`](trine_shapes::Uniform::whole)).
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor, Uniform, axis};
    ///
    /// axis! { struct Texts = 2; struct Words = 2; }
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Texts, Words, Fixed::<1>), [1.0, 2.0, 3.0, 4.0]);
    /// let x = x.in_step(Uniform::whole(Texts, Words));
    /// let kernel = Tensor::from_data((Fixed::<1>, Fixed::<2>), [10.0, 1.0]);
    /// assert_eq!(cpu.causal_convolution_of_sequences(x.view(), kernel.view()).data(), [1.0, 12.0, 3.0, 34.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Without its sequences a step would be one of them:
    /// ```compile_fail,E0277
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn mixed<T: Step, C: Plain>(cpu: &Cpu, x: View<f32, (T, C)>, kernel: View<f32, (C, Fixed<4>)>) {
    ///     cpu.causal_convolution(x, kernel);
    /// }
    /// ```
    pub fn causal_convolution_of_sequences<T: Step, C: Plain, K: Plain>(
        &self,
        x: View<'_, f32, (T, C)>,
        kernel: View<'_, f32, (C, K)>,
    ) -> Tensor<f32, (T, C)> {
        let shape = x.shape();
        let (channels, taps) = (shape.1.len(), kernel.shape().1.len());
        let own: Vec<usize> = shape.0.spans().flat_map(|span| 0..span.tokens).collect();
        let mut y = self.zeros(shape.elements());
        for_rows(self, &mut y, channels, channels * taps, |row, y| {
            // Taps before the first token of the sequence meet zeros.
            for tap in taps.saturating_sub(own[row] + 1)..taps {
                let row = &x.data()[(row + 1 + tap - taps) * channels..];
                let weights = kernel.data().iter().skip(tap).step_by(taps);
                y.iter_mut().zip(row).zip(weights).for_each(|((y, x), weight)| *y += weight * x);
            }
        });
        Tensor::assume(shape, y, "no axis has a role")
    }
}
