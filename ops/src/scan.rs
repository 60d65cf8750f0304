//! Linear recurrences along a sequence, each element for itself.
//!
//! What belongs here: diagonal recurrences, which state space models and gated linear recurrent networks are made of.
//! What does not: convolution ([`Cpu::causal_convolution`]).

use crate::cpu::Cpu;
use trine_shapes::{Named, PlainShape, Room, Tensor, View};

impl Cpu {
    /// `h_s = a_s h_(s-1) + b_s` for each element, from the state `h_(-1) = initial`; gives all states and the last
    /// one, which is `initial` where there are no positions.
    ///
    /// Shapes: `Z, (S, ..Z), (S, ..Z) -> (S, ..Z), Z` for states of rank 1 to 4, which may begin with a batch. Products
    /// are rounded to f32 and added in f32, position after position, in the memory of `initial` and `b`. Source: Gu and
    /// Dao 2023 (arXiv 2312.00752), equation 2a; Martin and Cundy 2017 (arXiv 1709.04057), equation 5.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor, axis};
    ///
    /// axis! { struct Steps = 3; }
    /// let cpu = Cpu::new(Default::default())?;
    /// let initial = Tensor::from_data((Fixed::<1>,), [1.0]);
    /// let a = Tensor::from_data((Steps, Fixed::<1>), [0.5, 0.5, 2.0]);
    /// let b = Tensor::from_data((Steps, Fixed::<1>), [1.0, 0.0, 3.0]);
    /// let (states, last) = cpu.scan(initial, a.view(), b);
    /// assert_eq!((states.data(), last.data()), (&[1.5, 0.75, 4.5][..], &[4.5][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Factors and terms are of one sequence:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Of<A> = Tensor<f32, A>;
    /// fn mixed<S: Named, T: Named, C: Plain>(cpu: &Cpu, initial: Of<(C,)>, a: Of<(S, C)>, b: Of<(T, C)>) {
    ///     cpu.scan(initial, a.view(), b);
    /// }
    /// ```
    pub fn scan<S: Named, Z: PlainShape + Room>(
        &self,
        initial: Tensor<f32, Z>,
        a: View<'_, f32, Z::Under<S>>,
        b: Tensor<f32, Z::Under<S>>,
    ) -> (Tensor<f32, Z::Under<S>>, Tensor<f32, Z>) {
        let (mut last, shape) = (initial, b.shape());
        let width = last.data().len().max(1);
        let mut states = b.into_data();
        for (a, h) in a.data().chunks_exact(width).zip(states.chunks_exact_mut(width)) {
            for ((a, h), last) in a.iter().zip(h).zip(last.data_mut()) {
                *last = a * *last + *h;
                *h = *last;
            }
        }
        (Tensor::assume(shape, states, "a state for each position"), last)
    }
}
