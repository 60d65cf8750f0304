//! How tensors are put together and taken apart: factors split and merge at any place, tensors lie side by side.
//!
//! What belongs here: copies and relabellings that keep every element. What does not: axes that change places
//! ([`View::permute`]), choice among elements ([`View::row`]), and arithmetic on them.

use crate::axis::{Axis, Fixed, Plain, Plus, Product};
use crate::index::Idx;
use crate::place::{At, Grows, Merges, Place, Room, Splits};
use crate::role::Role;
use crate::shape::Shape;
use crate::step::Uniform;
use crate::tensor::{Tensor, View};
use alloc::vec::Vec;

impl<T, S: Shape> Tensor<T, S> {
    /// A product axis at place `P` as its two factors: `(.., Outer x Inner, ..) -> (.., Outer, Inner, ..)` at ranks 1
    /// to 4, total and free.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_fn((Flat(Fixed::<2>, Fixed::<3>), Fixed::<5>), |i| i);
    /// let split: Tensor<_, (Fixed<2>, Fixed<3>, Fixed<5>)> = x.split_at(First);
    /// ```
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// let x = Tensor::from_fn((Fixed::<6>, Fixed::<5>), |i| i);
    /// let split: Tensor<_, (Fixed<2>, Fixed<3>, Fixed<5>)> = x.split_at(First);
    /// ```
    pub fn split_at<P: Place, X: Axis, Y: Axis>(self, _: P) -> Tensor<T, S::Split<X, Y>>
    where
        S: Splits<P>,
        S::Here: Product<Outer = X, Inner = Y>,
    {
        let (outer, inner) = self.shape().here().factors();
        let shape = self.shape().split(outer, inner);
        Tensor::assume(shape, self.into_data(), "a product is as long as its factors")
    }

    /// The axis at place `P` and the next one as their product: `(.., Outer, Inner, ..) -> (.., Outer x Inner, ..)` at
    /// ranks 2 to 5, total and free.
    ///
    /// ```
    /// use trine_shapes::*;
    /// type Heads3<T, M> = Tensor<f32, (T, KvHeads<M>, Group<M>, HeadDim<M>)>;
    /// fn heads<T: Axis, M: Model>(x: Heads3<T, M>) -> Tensor<f32, (T, Heads<M>, HeadDim<M>)> {
    ///     x.merge_at(Second)
    /// }
    /// ```
    /// ```compile_fail,E0271
    /// # use trine_shapes::*;
    /// # type Heads3<T, M> = Tensor<f32, (T, KvHeads<M>, Group<M>, HeadDim<M>)>;
    /// fn heads<T: Axis, M: Model>(x: Heads3<T, M>) -> Tensor<f32, (T, KvWidth<M>, HeadDim<M>)> {
    ///     x.merge_at(Second)
    /// }
    /// ```
    pub fn merge_at<P: Place, X>(self, _: P) -> Tensor<T, S::Merged<X>>
    where
        S: Merges<P>,
        X: Product<Outer = S::Outer, Inner = S::Inner>,
    {
        let (outer, inner) = self.shape().pair();
        let shape = self.shape().merged(X::product(outer, inner));
        Tensor::assume(shape, self.into_data(), "a product is as long as its factors")
    }
}

impl<T, B: Axis, S: Axis, C: Axis, D: Axis> Tensor<T, (B, S, C, D)> {
    /// `(B, S, C, D) -> (Uniform<B, P, S>, C, D)`: the tokens of a batch as those of a step; total and free.
    pub fn in_step<P: Axis>(self, step: Uniform<B, P, S>) -> Tensor<T, (Uniform<B, P, S>, C, D)> {
        let (_, _, c, d) = self.shape();
        Tensor::assume((step, c, d), self.into_data(), "a step is as long as its batch and sequences")
    }
}

impl<T, B: Axis, P: Axis, S: Axis, C: Axis, D: Axis> Tensor<T, (Uniform<B, P, S>, C, D)> {
    /// `(Uniform<B, P, S>, C, D) -> (B, S, C, D)`: the inverse of [`in_step`](Tensor::in_step).
    pub fn batched(self) -> Tensor<T, (B, S, C, D)> {
        let (step, c, d) = self.shape();
        Tensor::assume(
            (step.batch(), step.seq(), c, d),
            self.into_data(),
            "a step is as long as its batch and sequences",
        )
    }
}

macro_rules! plain {
    ($($axis:ident)*) => {
        impl<T, $($axis: Axis,)* P: Role> Tensor<T, ($($axis,)* P,)> {
            /// The same tensor as if nothing had been done to it: its last axis without its role.
            #[allow(non_snake_case, reason = "an axis has the name of its type")]
            pub fn plain(self) -> Tensor<T, ($($axis,)* P::Plain,)> {
                let ($($axis,)* last,) = self.shape();
                Tensor::assume(($($axis,)* last.inner(),), self.into_data(), "a role has no length of its own")
            }
        }
    };
}
plain!();
plain!(A B);
plain!(A B C);
plain!(A B C D);

impl<T: Copy, S: Shape> View<'_, T, S> {
    /// This tensor and `other`, side by side along the axis at place `P`, a copy:
    /// `(.., A, ..), (.., B, ..) -> (.., Plus<A, B>, ..)` at ranks 1 to 5. Reference: `numpy.concatenate`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<1>), [1, 2]);
    /// let y = Tensor::from_data((Fixed::<2>, Fixed::<2>), [3, 4, 5, 6]);
    /// let both: Tensor<_, (Fixed<2>, Plus<Fixed<1>, Fixed<2>>)> = x.view().concat(y.view(), Second);
    /// assert_eq!(both.data(), [1, 3, 4, 2, 5, 6]);
    /// ```
    /// All other axes agree:
    /// ```compile_fail,E0271
    /// # use trine_shapes::*;
    /// fn rows<A: Plain, B: Plain, C: Plain>(x: View<f32, (A, B)>, y: View<f32, (A, C)>) {
    ///     x.concat(y, First);
    /// }
    /// ```
    pub fn concat<P: Place, B: Plain>(
        self,
        other: View<'_, T, S::With<B>>,
        _: P,
    ) -> Tensor<T, S::With<Plus<S::Here, B>>>
    where
        S: At<P>,
        S::Here: Plain,
    {
        let (here, there) = (self.shape().here(), other.shape().here());
        let block = block(self.shape(), S::PLACE);
        let (left, right) = (block * here.len(), block * there.len());
        let shape = self.shape().with(Plus(here, there));
        let mut data = Vec::with_capacity(shape.elements());
        for i in 0..blocks(self.shape(), S::PLACE) {
            data.extend_from_slice(&self.data()[i * left..][..left]);
            data.extend_from_slice(&other.data()[i * right..][..right]);
        }
        Tensor::assume(shape, data, "both parts, one after the other")
    }

    /// The two parts along a sum at place `P`, copies: `(.., Plus<A, B>, ..) -> (.., A, ..), (.., B, ..)` at ranks 1 to
    /// 5. The inverse of [`concat`](View::concat). Reference: `numpy.split`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_fn((Fixed::<2>, Plus(Fixed::<1>, Fixed::<2>)), |i| i);
    /// let (left, right) = x.view().cut(Second);
    /// assert_eq!((left.data(), right.data()), (&[0, 3][..], &[1, 2, 4, 5][..]));
    /// ```
    pub fn cut<P: Place, A: Plain, B: Plain>(self, _: P) -> (Tensor<T, S::With<A>>, Tensor<T, S::With<B>>)
    where
        S: At<P, Here = Plus<A, B>>,
    {
        let Plus(a, b) = self.shape().here();
        let block = block(self.shape(), S::PLACE);
        let (left, right) = (block * a.len(), block * b.len());
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for i in 0..blocks(self.shape(), S::PLACE) {
            let both = &self.data()[i * (left + right)..][..left + right];
            lefts.extend_from_slice(&both[..left]);
            rights.extend_from_slice(&both[left..]);
        }
        let shapes = (self.shape().with(a), self.shape().with(b));
        (Tensor::assume(shapes.0, lefts, "the first part"), Tensor::assume(shapes.1, rights, "the second part"))
    }
}

impl<T: Copy, S: Shape> View<'_, T, S> {
    /// This tensor for each index of one more axis at place `P`, a copy: `(.., ..) -> (.., N, ..)` at ranks 1 to 4.
    /// Reference: `numpy.repeat(numpy.expand_dims(x, place), n, place)`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<1>), [5, 7]);
    /// let y: Tensor<_, (Fixed<2>, Fixed<3>, Fixed<1>)> = x.view().repeat(Fixed::<3>, Second);
    /// assert_eq!(y.data(), [5, 5, 5, 7, 7, 7]);
    /// ```
    /// The place is one of the shape or behind it:
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// fn repeated<A: Plain, N: Plain>(x: View<f32, (A,)>, n: N) {
    ///     x.repeat(n, Third);
    /// }
    /// ```
    pub fn repeat<P: Place, N: Plain>(self, axis: N, _: P) -> Tensor<T, S::Grown<N>>
    where
        S: Grows<P>,
    {
        let lens = self.shape().lens();
        let (before, after) = lens.as_ref().split_at(S::PLACE);
        let (blocks, block) = (trine_memory::product_of(before), trine_memory::product_of(after));
        let shape = self.shape().grown(axis);
        let mut data = Vec::with_capacity(shape.elements());
        for i in 0..blocks {
            for _ in 0..axis.len() {
                data.extend_from_slice(&self.data()[i * block..][..block]);
            }
        }
        Tensor::assume(shape, data, "each part as often as the axis is long")
    }
}

impl<T: Copy, S: Room> Tensor<T, S> {
    /// Tensors of one shape, one under the other, a copy: `N` times `(..)` to `(Fixed<N>, ..)` at ranks 1 to 4.
    /// Reference: `numpy.stack`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let [x, y] = [[1, 2, 3], [4, 5, 6]].map(|data| Tensor::from_data((Fixed::<3>,), data));
    /// let both: Tensor<_, (Fixed<2>, Fixed<3>)> = Tensor::stack([x.view(), y.view()]);
    /// assert_eq!(both.data(), [1, 2, 3, 4, 5, 6]);
    /// ```
    /// None at all have no shape:
    /// ```compile_fail,E0080
    /// # use trine_shapes::*;
    /// let none = Tensor::<f32, (Fixed<3>,)>::stack([]);
    /// ```
    pub fn stack<const N: usize>(parts: [View<'_, T, S>; N]) -> Tensor<T, S::Under<Fixed<N>>> {
        const { assert!(N > 0, "one tensor or more") };
        let shape = parts[0].shape().under(Fixed::<N>);
        let data: Vec<T> = parts.iter().flat_map(|part| part.data()).copied().collect();
        Tensor::assume(shape, data, "parts of one shape")
    }

    /// A tensor of `shape` for each index of `axis`, one under the other, a copy: `(..)` for each of `N` to `(N, ..)`
    /// at ranks 1 to 4.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_fn((Fixed::<3>, Fixed::<2>), |i| i);
    /// let twice = |row| Tensor::stack([x.view().row(row), x.view().row(row)]);
    /// let rows = Tensor::stack_by(Fixed::<3>, (Fixed::<2>, Fixed::<2>), twice);
    /// assert_eq!(rows.data(), [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5]);
    /// ```
    pub fn stack_by<N: Plain>(
        axis: N,
        shape: S,
        mut part: impl FnMut(Idx<N>) -> Tensor<T, S>,
    ) -> Tensor<T, S::Under<N>> {
        let shape = shape.under(axis);
        let mut data = Vec::with_capacity(shape.elements());
        for index in Idx::all(axis) {
            data.extend_from_slice(part(index).data());
        }
        Tensor::assume(shape, data, "parts of one shape")
    }
}

/// Elements of one index at `place`.
fn block<S: Shape>(shape: S, place: usize) -> usize {
    trine_memory::product_of(&shape.lens().as_ref()[place + 1..])
}

/// Combinations of indices before `place`.
fn blocks<S: Shape>(shape: S, place: usize) -> usize {
    trine_memory::product_of(&shape.lens().as_ref()[..place])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Flat;
    use crate::place::{First, Last, Second, Third};
    use crate::score::Probability;

    #[test]
    fn factors_split_and_merge_at_any_place() {
        let x = Tensor::from_fn((Fixed::<2>, Flat(Fixed::<3>, Fixed::<5>), Fixed::<7>), |i| i);
        let split = x.clone().split_at(Second);
        assert_eq!((split.shape().lens(), split.data()), ([2, 3, 5, 7], x.data()));
        let merged: Tensor<_, (Flat<_, _>, Fixed<5>, Fixed<7>)> = split.merge_at(First);
        assert_eq!((merged.shape().lens(), merged.data()), ([6, 5, 7], x.data()));
        let split = Tensor::from_fn((Flat(Fixed::<3>, Fixed::<5>),), |i| i).split_at(Last);
        assert_eq!(split.shape().lens(), [3, 5]);
    }

    /// Against the elements at their coordinates.
    #[test]
    fn parts_lie_side_by_side_at_a_place_and_are_cut_there() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<2>), |i| i);
        let y = Tensor::from_fn((Fixed::<2>, Fixed::<1>, Fixed::<2>), |i| 100 + i);
        let both = x.view().concat(y.view(), Second);
        assert_eq!(both.shape().lens(), [2, 4, 2]);
        assert_eq!(both.data(), [0, 1, 2, 3, 4, 5, 100, 101, 6, 7, 8, 9, 10, 11, 102, 103]);
        let (left, right) = both.view().cut(Second);
        assert_eq!((left.data(), right.data()), (x.data(), y.data()));
        assert_eq!((left.shape(), right.shape()), (x.shape(), y.shape()));
        let under = y.view().concat(Tensor::from_fn((Fixed::<3>, Fixed::<1>, Fixed::<2>), |i| i).view(), First);
        assert_eq!((under.shape().lens(), under.data()), ([5, 1, 2], &[100, 101, 102, 103, 0, 1, 2, 3, 4, 5][..]));
    }

    #[test]
    fn a_tensor_repeats_at_any_place() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<2>), |i| i);
        assert_eq!(x.view().repeat(Fixed::<2>, First).data(), [0, 1, 2, 3, 0, 1, 2, 3]);
        assert_eq!(x.view().repeat(Fixed::<2>, Second).data(), [0, 1, 0, 1, 2, 3, 2, 3]);
        assert_eq!(x.view().repeat(Fixed::<2>, Last).data(), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(x.view().repeat(Fixed::<3>, Third).shape().lens(), [2, 2, 3]);
        assert_eq!(x.view().repeat(Fixed::<0>, Second).shape().lens(), [2, 0, 2]);
    }

    #[test]
    fn heads_of_a_batch_become_those_of_a_step_and_back() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>, Fixed::<5>), |i| i);
        let step = Uniform::assume(Fixed::<2>, Fixed::<7>, Fixed::<3>, "a test");
        let in_step = x.clone().in_step(step);
        assert_eq!((in_step.shape().lens(), in_step.data()), ([6, 4, 5], x.data()));
        assert_eq!(in_step.batched().shape(), x.shape());
    }

    #[test]
    fn a_role_comes_off_at_every_rank() {
        let x = Tensor::assume((Fixed::<2>, Fixed::<1>, Probability::of(Fixed::<3>)), [1; 6], "a test");
        let plain: Tensor<_, (Fixed<2>, Fixed<1>, Fixed<3>)> = x.plain();
        assert_eq!(plain.data(), [1; 6]);
    }
}
