//! Which elements are the largest, and rows that are added up where indices say.
//!
//! What belongs here: indices that follow from elements, and sums by index. What does not: reading by index
//! ([`View::gather`], [`View::row`]).

use crate::cpu::Cpu;
use crate::parts::for_rows;
use alloc::vec::Vec;
use core::cmp::Ordering;
use trine_shapes::{Additive, At, Axis, Idx, Last, Ranked, Roleless, RolelessShape, Rows, Shape, Tensor, Top, View};

/// The order of a ranking: larger elements first, NaN before all numbers, equal elements by their index.
fn larger_first(x: &[f32]) -> impl Fn(&u32, &u32) -> Ordering + '_ {
    |&i, &j| {
        let (a, b) = (x[i as usize], x[j as usize]);
        b.partial_cmp(&a).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())).then(i.cmp(&j))
    }
}

/// The index of the largest element of `row`.
fn largest<A: Axis>(axis: A, row: &[f32]) -> Idx<A> {
    let mut best = 0;
    for (index, x) in row.iter().enumerate().skip(1) {
        if *x > row[best] || (x.is_nan() && !row[best].is_nan()) {
            best = index;
        }
    }
    assert!(!row.is_empty(), "axis `{}` has length 0, and nothing is the largest of nothing", A::NAME);
    Idx::new(axis, best as u32).expect("an index of a row")
}

impl Cpu {
    /// The index of the largest element of each row: `(.., A) -> (..)` at ranks 2 to 5. Of equal elements the first
    /// counts, and NaN is larger than all numbers. Reference: `numpy.argmax(x, axis=-1)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// fn classes<T: Plain, C: Plain>(cpu: &Cpu, logits: View<f32, (T, C)>) -> Tensor<Idx<C>, (T,)> {
    ///     cpu.argmax(logits)
    /// }
    /// fn of_probabilities<T: Plain, C: Plain>(cpu: &Cpu, p: View<f32, (T, Probability<C>)>) -> Tensor<Idx<C>, (T,)> {
    ///     cpu.argmax(p)
    /// }
    /// ```
    /// A class is no token of the input:
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// fn classes<T: Plain, C: Plain>(cpu: &Cpu, logits: View<f32, (T, C)>) -> Tensor<Idx<T>, (T,)> {
    ///     cpu.argmax(logits)
    /// }
    /// ```
    ///
    /// # Panics
    /// If the last axis has no index, and there are rows.
    pub fn argmax<S: Rows>(&self, x: View<'_, f32, S>) -> Tensor<Idx<<S::Here as Ranked>::Of>, S::Lead>
    where
        S::Here: Ranked,
        S::Lead: RolelessShape,
    {
        let axis = x.shape().here().ranked();
        let (lead, width, data) = (x.shape().lead(), axis.len(), x.data());
        let mut indices = alloc::vec![None; lead.elements()];
        for_rows(self, &mut indices, 1, width, |row, index| {
            index[0] = Some(largest(axis, &data[row * width..][..width]));
        });
        let indices: Vec<_> = indices.into_iter().flatten().collect();
        Tensor::assume(lead, indices, "an index for each row")
    }

    /// The index of the largest element: `(A,) -> ` one index. Of equal elements the first counts, and NaN is larger
    /// than all numbers. Reference: `numpy.argmax(x)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::{Fixed, Tensor};
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<4>,), [1.0, 7.0, 7.0, -9.0]);
    /// assert_eq!(cpu.argmax_of_row(x.view()).get(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the axis has no index.
    pub fn argmax_of_row<A: Ranked>(&self, x: View<'_, f32, (A,)>) -> Idx<A::Of> {
        largest(x.shape().0.ranked(), x.data())
    }

    /// The `k` largest elements of each row and their indices, the largest first: `(.., A) -> (.., Top<K, A>)` at ranks
    /// 1 to 5. Where a row has fewer than `k` elements, these are all of them in order. Of equal elements the first
    /// comes first, and NaN is larger than all numbers. Reference: `torch.topk(x, k)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<1>, Fixed::<4>), [2.0, 9.0, 5.0, 9.0]);
    /// let (indices, values) = cpu.top_k(x.view(), Fixed::<3>);
    /// assert_eq!(values.data(), [9.0, 9.0, 5.0]);
    /// assert_eq!(indices.data().iter().map(|index| index.get()).collect::<Vec<_>>(), [1, 3, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn top_k<S: At<Last>, K: Axis>(
        &self,
        x: View<'_, f32, S>,
        k: K,
    ) -> (Tensor<Idx<Of<S>>, Best<S, K>>, Tensor<f32, Best<S, K>>)
    where
        S::Here: Ranked,
        S::With<Of<S>>: RolelessShape,
    {
        let axis = x.shape().here().ranked();
        let (top, width, data) = (Top(k, axis), axis.len(), x.data());
        let shape = x.shape().with(top);
        let mut best = alloc::vec![None; shape.elements()];
        for_rows(self, &mut best, top.len(), 4 * width, |row, best| {
            let elements = &data[row * width..][..width];
            let order = larger_first(elements);
            let mut indices: Vec<u32> = (0..width as u32).collect();
            if best.len() < width {
                indices.select_nth_unstable_by(best.len(), &order);
            }
            let indices = &mut indices[..best.len()];
            indices.sort_unstable_by(&order);
            for (best, &index) in best.iter_mut().zip(&*indices) {
                *best = Idx::new(axis, index).ok().map(|found| (found, elements[index as usize]));
            }
        });
        let (indices, values): (Vec<_>, Vec<_>) = best.into_iter().flatten().unzip();
        let reason = "the largest of each row";
        (Tensor::assume(shape, indices, reason), Tensor::assume(shape, values, reason))
    }

    /// `y[a] = x[a] + sum of rows[t] with indices[t] = a`, added in the order of `t`, in f32, in the memory of `x`:
    /// `(A, B), (T,), (T, B) -> (A, B)`. Reference: `numpy.add.at(x, indices, rows)`.
    ///
    /// ```
    /// use trine_ops::Cpu;
    /// use trine_shapes::*;
    ///
    /// let cpu = Cpu::new(Default::default())?;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<1>), [0.5, 0.25]);
    /// let indices = [1, 1, 0].map(|index| Idx::new(Fixed::<2>, index).unwrap());
    /// let indices = Tensor::from_data((Fixed::<3>,), indices);
    /// let rows = Tensor::from_data((Fixed::<3>, Fixed::<1>), [1.0, 2.0, 4.0]);
    /// assert_eq!(cpu.scatter_add(x, indices.view(), rows.view()).data(), [4.5, 3.25]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_ops::Cpu;
    /// # use trine_shapes::*;
    /// # type Rows<A, B> = Tensor<f32, (A, B)>;
    /// fn back<A: Plain, B: Plain, T: Plain>(cpu: &Cpu, x: Rows<A, B>, indices: View<Idx<B>, (T,)>, rows: Rows<T, B>) {
    ///     cpu.scatter_add(x, indices, rows.view());
    /// }
    /// ```
    pub fn scatter_add<A: Roleless, B: Additive, T: Axis>(
        &self,
        x: Tensor<f32, (A, B)>,
        indices: View<'_, Idx<A>, (T,)>,
        rows: View<'_, f32, (T, B)>,
    ) -> Tensor<f32, (A, B)> {
        let shape = x.shape();
        let (width, mut data) = (shape.1.len(), x.into_data());
        for (row, index) in indices.data().iter().enumerate() {
            let (to, from) = (index.get() * width, row * width);
            data[to..][..width].iter_mut().zip(&rows.data()[from..][..width]).for_each(|(x, y)| *x += y);
        }
        Tensor::assume(shape, data, "a sum keeps its shape")
    }
}

/// The axis that the last axis of `S` ranks.
type Of<S> = <<S as At<Last>>::Here as Ranked>::Of;

/// `S` with the `K` largest along its last axis.
type Best<S, K> = <S as At<Last>>::With<Top<K, Of<S>>>;
