//! Attention over keys and values that are tensors: bidirectional, causal, cross, and within a window.
//!
//! What belongs here: whole sequences at once. What does not: keys and values of a cache ([`Cpu::attention`]).

use crate::cpu::Cpu;
use crate::parts::for_rows;
use alloc::vec::Vec;
use core::ops::Range;
use trine_shapes::{Axis, Named, Plain, Shape, Step, Tensor, Value, View};

/// How far a position sees: so many positions before its own, and so many after it.
///
/// ```
/// use trine_ops::Window;
/// let sliding = Window { before: 511, after: 0 };
/// assert_ne!(sliding, Window::CAUSAL);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Positions before its own.
    pub before: usize,
    /// Positions after its own.
    pub after: usize,
}

impl Window {
    /// All positions up to its own.
    pub const CAUSAL: Window = Window { before: usize::MAX, after: 0 };

    /// All positions.
    pub const ALL: Window = Window { before: usize::MAX, after: usize::MAX };

    /// What position `own` of `count` sees.
    fn around(self, own: usize, count: usize) -> Range<usize> {
        own.saturating_sub(self.before)..own.saturating_add(self.after).saturating_add(1).min(count)
    }
}

impl Cpu {
    /// `softmax(q k^T / sqrt(E)) v` for each head, where every query sees every key: bidirectional attention where `Q`
    /// is `K`, cross attention where they differ.
    ///
    /// Shapes: `(Q, H, E), (K, H, E), (K, H, Value<D>) -> (Q, H, D)`. Queries and keys are both rotated or neither.
    /// Scores, their softmax and the sum of the values are computed in f64, added in the order of `E` and of `K`, and
    /// the result is rounded to f32 once. Without keys it is NaN. Source: Vaswani et al. 2017 (arXiv 1706.03762),
    /// equation 1. Reference: `torch.nn.functional.scaled_dot_product_attention`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// type Heads3<'x, T, A> = View<'x, f32, (T, Fixed<4>, A)>;
    /// type Output<T, D> = Tensor<f32, (T, Fixed<4>, D)>;
    /// fn cross<Q: Plain, K: Plain, D: Plain>(
    ///     cpu: &Cpu,
    ///     q: Heads3<Q, D>,
    ///     k: Heads3<K, D>,
    ///     v: Heads3<K, Value<D>>,
    /// ) -> Output<Q, D> {
    ///     cpu.attend(q, k, v)
    /// }
    /// ```
    /// Keys and values that a group of query heads has in common are repeated for each of them:
    /// ```
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// type Of<H, A> = Tensor<f32, (Fixed<5>, H, A)>;
    /// fn grouped<M: Model>(
    ///     cpu: &Cpu,
    ///     q: Of<Heads<M>, HeadDim<M>>,
    ///     k: Of<KvHeads<M>, HeadDim<M>>,
    ///     v: Of<KvHeads<M>, Value<HeadDim<M>>>,
    ///     group: Group<M>,
    /// ) -> Of<Heads<M>, HeadDim<M>> {
    ///     let k = k.view().repeat(group, Third).merge_at(Second);
    ///     cpu.attend(q.view(), k.view(), v.view().repeat(group, Third).merge_at(Second).view())
    /// }
    /// ```
    /// Keys and values do not change places, and rotated queries do not meet keys that are not:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Heads3<'x, T, A> = View<'x, f32, (T, Fixed<4>, A)>;
    /// fn cross<Q: Plain, K: Plain, D: Plain>(cpu: &Cpu, q: Heads3<Q, D>, k: Heads3<K, D>, v: Heads3<K, Value<D>>) {
    ///     cpu.attend(q, v, k);
    /// }
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Heads3<'x, T, A> = View<'x, f32, (T, Fixed<4>, A)>;
    /// fn mixed<Q: Plain, D: Plain>(cpu: &Cpu, q: Heads3<Q, Rotated<D>>, k: Heads3<Q, D>, v: Heads3<Q, Value<D>>) {
    ///     cpu.attend(q, k, v);
    /// }
    /// ```
    pub fn attend<Q: Plain, K: Plain, H: Plain, E: Axis, D: Plain>(
        &self,
        q: View<'_, f32, (Q, H, E)>,
        k: View<'_, f32, (K, H, E)>,
        v: View<'_, f32, (K, H, Value<D>)>,
    ) -> Tensor<f32, (Q, H, D)> {
        let keys = k.shape().0.len();
        self.attend_to(q, k, v, |_| 0..keys)
    }

    /// [`attend`](Cpu::attend) where a query sees the keys up to its own position:
    /// `(T, H, E), (T, H, E), (T, H, Value<D>) -> (T, H, D)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor, Value, axis};
    ///
    /// axis! { struct Words = 3; }
    /// let cpu = Cpu::new(Default::default())?;
    /// let q = Tensor::zeros((Words, Fixed::<1>, Fixed::<2>));
    /// let v = (Words, Fixed::<1>, Value::of(Fixed::<1>));
    /// let v = Tensor::assume(v, [2.0, 4.0, 9.0], "an example without weights");
    /// assert_eq!(cpu.attend_causal(q.view(), q.view(), v.view()).data(), [2.0, 3.0, 5.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Keys of another sequence have no position that is a query's own:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Heads3<'x, T, A> = View<'x, f32, (T, Fixed<4>, A)>;
    /// fn cross<Q: Plain, K: Plain, D: Plain>(cpu: &Cpu, q: Heads3<Q, D>, k: Heads3<K, D>, v: Heads3<K, Value<D>>) {
    ///     cpu.attend_causal(q, k, v);
    /// }
    /// ```
    pub fn attend_causal<T: Named, H: Plain, E: Axis, D: Plain>(
        &self,
        q: View<'_, f32, (T, H, E)>,
        k: View<'_, f32, (T, H, E)>,
        v: View<'_, f32, (T, H, Value<D>)>,
    ) -> Tensor<f32, (T, H, D)> {
        self.attend_window(q, k, v, Window::CAUSAL)
    }

    /// [`attend`](Cpu::attend) where a query sees the keys of a window around its own position:
    /// `(T, H, E), (T, H, E), (T, H, Value<D>) -> (T, H, D)`. Source: Beltagy, Peters and Cohan 2020 (arXiv
    /// 2004.05150), section 3.1.
    ///
    /// ```
    /// use trine_ops::{Cpu, Window};
    /// use trine_shapes::{Fixed, Tensor, Value, axis};
    ///
    /// axis! { struct Words = 3; }
    /// let cpu = Cpu::new(Default::default())?;
    /// let q = Tensor::zeros((Words, Fixed::<1>, Fixed::<2>));
    /// let v = (Words, Fixed::<1>, Value::of(Fixed::<1>));
    /// let v = Tensor::assume(v, [2.0, 4.0, 8.0], "an example without weights");
    /// let window = Window { before: 1, after: 0 };
    /// assert_eq!(cpu.attend_window(q.view(), q.view(), v.view(), window).data(), [2.0, 3.0, 6.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn attend_window<T: Named, H: Plain, E: Axis, D: Plain>(
        &self,
        q: View<'_, f32, (T, H, E)>,
        k: View<'_, f32, (T, H, E)>,
        v: View<'_, f32, (T, H, Value<D>)>,
        window: Window,
    ) -> Tensor<f32, (T, H, D)> {
        let positions = q.shape().0.len();
        self.attend_to(q, k, v, |own| window.around(own, positions))
    }

    /// [`attend`](Cpu::attend) of the tokens of a step, where a query sees the keys of its own sequence in a window
    /// around its own token: `(T, H, E), (T, H, E), (T, H, Value<D>) -> (T, H, D)`. Positions before the step are not
    /// there. A batch without state is such a step ([`Uniform::whole`](trine_shapes::Uniform::whole)). Reference:
    /// `flash_attn_varlen_func` of flash-attention.
    ///
    /// ```
    /// use trine_ops::{Cpu, Window};
    /// use trine_shapes::*;
    ///
    /// type Heads3<'x, T, A> = View<'x, f32, (T, Fixed<4>, A)>;
    /// fn encoded<T: Step, D: Plain>(
    ///     cpu: &Cpu,
    ///     q: Heads3<T, Rotated<D>>,
    ///     k: Heads3<T, Rotated<D>>,
    ///     v: Heads3<T, Value<D>>,
    /// ) -> Tensor<f32, (T, Fixed<4>, D)> {
    ///     cpu.attend_sequences(q, k, v, Window::ALL)
    /// }
    /// ```
    /// Without their sequences the tokens of a step would see each other:
    /// ```compile_fail,E0277
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Heads3<'x, T, A> = View<'x, f32, (T, Fixed<4>, A)>;
    /// fn encoded<T: Step, D: Plain>(cpu: &Cpu, q: Heads3<T, D>, k: Heads3<T, D>, v: Heads3<T, Value<D>>) {
    ///     cpu.attend(q, k, v);
    /// }
    /// ```
    pub fn attend_sequences<T: Step, H: Plain, E: Axis, D: Plain>(
        &self,
        q: View<'_, f32, (T, H, E)>,
        k: View<'_, f32, (T, H, E)>,
        v: View<'_, f32, (T, H, Value<D>)>,
        window: Window,
    ) -> Tensor<f32, (T, H, D)> {
        let mut seen = Vec::with_capacity(q.shape().0.len());
        for span in q.shape().0.spans() {
            let first = seen.len();
            seen.extend((0..span.tokens).map(|own| {
                let keys = window.around(own, span.tokens);
                first + keys.start..first + keys.end
            }));
        }
        self.attend_to(q, k, v, |own| seen[own].clone())
    }

    /// Attention of each query over the keys that `seen` gives for its position.
    fn attend_to<Q: Axis, K: Axis, H: Plain, E: Axis, D: Plain>(
        &self,
        q: View<'_, f32, (Q, H, E)>,
        k: View<'_, f32, (K, H, E)>,
        v: View<'_, f32, (K, H, Value<D>)>,
        seen: impl Fn(usize) -> Range<usize> + Send + Sync,
    ) -> Tensor<f32, (Q, H, D)> {
        let (queries, heads, _) = q.shape();
        let out = v.shape().2.inner();
        let shape = (queries, heads, out);
        let (count, width, values) = (heads.len(), q.shape().2.len(), out.len());
        let scale = 1.0 / libm::sqrt(width as f64);
        let mut y = self.zeros(shape.elements());
        let cost = k.shape().0.len() * (width + values + 16);
        for_rows(self, &mut y, values, cost, |row, y| {
            let query = &q.data()[row * width..][..width];
            let (keys, head) = (seen(row / count), row % count);
            let score = |key: usize| scale * dot(query, &k.data()[(key * count + head) * width..][..width]);
            let mut weights: Vec<f64> = keys.clone().map(score).collect();
            let max = weights.iter().fold(f64::NEG_INFINITY, |max, score| if *score > max { *score } else { max });
            weights.iter_mut().for_each(|weight| *weight = libm::exp(*weight - max));
            let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
            let mut mixed = alloc::vec![0.0_f64; values];
            for (key, weight) in keys.zip(weights) {
                let value = &v.data()[(key * count + head) * values..][..values];
                mixed.iter_mut().zip(value).for_each(|(y, value)| *y += weight * f64::from(*value));
            }
            y.iter_mut().zip(mixed).for_each(|(y, mixed)| *y = (mixed / sum) as f32);
        });
        Tensor::assume(shape, y, "attention adds values up")
    }
}

/// The product of two rows in f64, added in order.
fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).fold(0.0, |sum, (x, y)| sum + f64::from(*x) * f64::from(*y))
}
