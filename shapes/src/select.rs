//! Elements and rows by checked indices: an [`Idx`] lies on its axis, so that none of this fails.
//!
//! What belongs here: reading by index. What does not: finding an index, and adding at one, which are arithmetic.

use crate::axis::Axis;
use crate::index::Idx;
use crate::place::{First, Place, Room, Rows, Without};
use crate::score::Ranked;
use crate::shape::{RolelessShape, Shape};
use crate::tensor::{Tensor, View};
use alloc::vec::Vec;
use trine_memory::product_of;

impl<'a, T, S: Shape> View<'a, T, S> {
    /// What lies at index `index` of the first axis, borrowed: `(A, ..) -> (..)` at ranks 2 to 5. Reference: numpy's
    /// `x[index]`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_fn((Fixed::<3>, Fixed::<2>), |i| i);
    /// assert_eq!(x.view().row(Idx::new(Fixed::<3>, 1)?).data(), [2, 3]);
    /// # Ok::<(), NotAnIndex>(())
    /// ```
    /// An index of a column is no row's:
    /// ```compile_fail,E0308
    /// # use trine_shapes::*;
    /// fn row<A: Axis, B: Axis>(x: View<'_, f32, (A, B)>, index: Idx<B>) {
    ///     x.row(index);
    /// }
    /// ```
    pub fn row<A: Axis>(self, index: Idx<A>) -> View<'a, T, S::Rest>
    where
        S: Without<A, First>,
    {
        let rest = self.shape().rest();
        let width = rest.elements();
        self.part(index.get() * width, rest)
    }
}

impl<T: Copy, S: Shape> View<'_, T, S> {
    /// What lies at index `index` of its axis, wherever the shape has that, a copy: `(.., A, ..) -> (.., ..)` at ranks
    /// 2 to 5. Reference: `numpy.take(x, index, axis)`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// type HeadsOf<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn of_head<T: Axis, M: Model>(x: HeadsOf<T, M>, head: Idx<Heads<M>>) -> Tensor<f32, (T, HeadDim<M>)> {
    ///     x.view().take(head)
    /// }
    /// ```
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// # type HeadsOf<T, M> = Tensor<f32, (T, Heads<M>, HeadDim<M>)>;
    /// fn of_head<T: Axis, M: Model>(x: HeadsOf<T, M>, head: Idx<KvHeads<M>>) {
    ///     x.view().take(head);
    /// }
    /// ```
    pub fn take<A: Axis, P: Place>(self, index: Idx<A>) -> Tensor<T, S::Rest>
    where
        S: Without<A, P>,
    {
        let lens = self.shape().lens();
        let block = product_of(&lens.as_ref()[S::PLACE + 1..]);
        let stride = block * self.shape().here().len();
        let mut data = Vec::with_capacity(self.shape().rest().elements());
        for i in 0..product_of(&lens.as_ref()[..S::PLACE]) {
            data.extend_from_slice(&self.data()[i * stride + index.get() * block..][..block]);
        }
        Tensor::assume(self.shape().rest(), data, "whole parts, as they were")
    }
}

impl<T: Copy, A: Axis> View<'_, T, (A,)> {
    /// The element at `index`: `(A,) -> ` one element. Reference: numpy's `x[index]`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_data((Fixed::<3>,), [5, 6, 7]);
    /// assert_eq!(x.view().at(Idx::new(Fixed::<3>, 2)?), 7);
    /// # Ok::<(), NotAnIndex>(())
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_shapes::*;
    /// fn read<A: Axis, B: Axis>(x: View<'_, f32, (A,)>, index: Idx<B>) {
    ///     x.at(index);
    /// }
    /// ```
    #[inline]
    pub fn at(self, index: Idx<A>) -> T {
        self.data()[index.get()]
    }
}

impl<T: Copy, A: Axis, B: Axis> View<'_, T, (A, B)> {
    /// The rows that `indices` name, a copy: `(A, B), (..) -> (.., B)` for indices of rank 1 to 4. Reference: numpy's
    /// `x[indices]`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_fn((Fixed::<3>, Fixed::<2>), |i| i);
    /// let indices = [2, 0, 2, 1].map(|index| Idx::new(Fixed::<3>, index).unwrap());
    /// let indices = Tensor::from_data((Fixed::<4>,), indices);
    /// let rows: Tensor<_, (Fixed<4>, Fixed<2>)> = x.view().gather(indices.view());
    /// assert_eq!(rows.data(), [4, 5, 0, 1, 4, 5, 2, 3]);
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_shapes::*;
    /// fn rows<A: Axis, B: Axis>(x: View<'_, f32, (A, B)>, indices: View<'_, Idx<B>, (Fixed<4>,)>) {
    ///     x.gather(indices);
    /// }
    /// ```
    pub fn gather<S: Room>(self, indices: View<'_, Idx<A>, S>) -> Tensor<T, S::Over<B>> {
        let columns = self.shape().1;
        let width = columns.len();
        let rows = indices.data().iter().map(|index| &self.data()[index.get() * width..][..width]);
        let data: Vec<T> = rows.flatten().copied().collect();
        Tensor::assume(indices.shape().over(columns), data, "a row for each index")
    }
}

impl<T: Copy, S: Rows> View<'_, T, S>
where
    S::Here: Ranked,
    S::Lead: RolelessShape,
{
    /// The element of each row that its index names: `(.., A), (..) -> (..)` at ranks 2 to 5. Of the logarithms of
    /// probabilities it makes those of what came true, whose mean is the negative cross-entropy. Reference: numpy's
    /// `take_along_axis(x, indices[..., None], -1)[..., 0]`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>), |i| i);
    /// let indices = [2, 0].map(|index| Idx::new(Fixed::<3>, index).unwrap());
    /// assert_eq!(x.view().pick(Tensor::from_data((Fixed::<2>,), indices).view()).data(), [2, 3]);
    /// ```
    pub fn pick(self, indices: View<'_, Idx<<S::Here as Ranked>::Of>, S::Lead>) -> Tensor<T, S::Lead> {
        let width = self.shape().here().len();
        let data = self.data();
        let picked = indices.data().iter().enumerate().map(|(row, index)| data[row * width + index.get()]);
        Tensor::assume(self.shape().lead(), picked.collect::<Vec<T>>(), "an element for each row")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;
    use crate::score::LogProbability;

    fn index<const N: usize>(index: u32) -> Idx<Fixed<N>> {
        Idx::new(Fixed::<N>, index).unwrap()
    }

    #[test]
    fn rows_and_elements_are_read_at_their_index() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>), |i| i);
        let part = x.view().row(index::<2>(1)).row(index::<3>(2));
        assert_eq!((part.shape(), part.data(), part.at(index(3))), ((Fixed::<4>,), &[20, 21, 22, 23][..], 23));
    }

    /// An axis in the middle against the rows of the permuted tensor.
    #[test]
    fn a_part_is_taken_at_any_place() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>), |i| i);
        let swapped = x.view().swap_first();
        assert_eq!(x.view().take(index::<3>(1)).data(), swapped.view().row(index::<3>(1)).data());
        assert_eq!(x.view().take(index::<4>(3)).data(), [3, 7, 11, 15, 19, 23]);
        assert_eq!(x.view().take(index::<2>(1)).data(), x.view().row(index::<2>(1)).data());
    }

    #[test]
    fn rows_are_gathered_by_indices_of_any_rank() {
        let x = Tensor::from_fn((Fixed::<5>, Fixed::<2>), |i| i);
        let indices = Tensor::from_data((Fixed::<1>, Fixed::<3>), [index(4), index(0), index(3)]);
        let rows = x.view().gather(indices.view());
        assert_eq!((rows.shape().lens(), rows.data()), ([1, 3, 2], &[8, 9, 0, 1, 6, 7][..]));
    }

    #[test]
    fn logarithms_are_picked_by_an_index_of_the_plain_axis() {
        let shape = (Fixed::<2>, LogProbability::of(Fixed::<3>));
        let x = Tensor::assume(shape, [1, 2, 3, 4, 5, 6], "a test");
        assert_eq!(x.view().pick(Tensor::from_data((Fixed::<2>,), [index(1), index(2)]).view()).data(), [2, 6]);
    }
}
