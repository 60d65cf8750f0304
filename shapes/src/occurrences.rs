//! Where an index stands among others: the tokens that an expert has, the rows of a class.
//!
//! What belongs here: places of an index. What does not: reading at them ([`View::gather`](crate::View::gather)).

use crate::axis::Axis;
use crate::index::Idx;
use crate::tensor::{Tensor, View};
use alloc::vec::Vec;

axis! {
    /// The places where an index stands, in their order.
    pub struct Occurrences<'scope>;
}

impl<A: Axis, T: Axis, K: Axis> View<'_, Idx<A>, (T, K)> {
    /// Runs `body` with the places where `index` stands: for each its row and its column, in row-major order.
    ///
    /// Shapes: indices `(T, K)` to indices of `T` and indices of `K`, both `(Occurrences,)`. Each call has an axis of
    /// its own, so that what is gathered for one index is not taken for another. Reference:
    /// `numpy.nonzero(x == index)`.
    ///
    /// ```
    /// use trine_shapes::*;
    ///
    /// let experts = Fixed::<3>;
    /// let chosen = [0, 2, 2, 1].map(|expert| Idx::new(experts, expert).unwrap());
    /// let chosen = Tensor::from_data((Fixed::<2>, Fixed::<2>), chosen);
    /// let numbers = |indices: &[Idx<Fixed<2>>]| indices.iter().map(|index| index.get()).collect::<Vec<_>>();
    /// let places = chosen.view().occurrences(Idx::new(experts, 2)?, |rows, columns| {
    ///     (numbers(rows.data()), numbers(columns.data()))
    /// });
    /// assert_eq!(places, (vec![0, 1], vec![1, 0]));
    /// # Ok::<(), NotAnIndex>(())
    /// ```
    /// Places of two indices do not mix:
    /// ```compile_fail,E0521
    /// # use trine_shapes::*;
    /// # fn same<A: Axis>(left: A, right: A) {}
    /// fn mixed(chosen: View<Idx<Fixed<3>>, (Fixed<2>, Fixed<2>)>, a: Idx<Fixed<3>>, b: Idx<Fixed<3>>) {
    ///     chosen.occurrences(a, |left, _| chosen.occurrences(b, |right, _| same(left.shape().0, right.shape().0)));
    /// }
    /// ```
    pub fn occurrences<R>(
        self,
        index: Idx<A>,
        body: impl for<'places> FnOnce(
            Tensor<Idx<T>, (Occurrences<'places>,)>,
            Tensor<Idx<K>, (Occurrences<'places>,)>,
        ) -> R,
    ) -> R {
        let (rows, columns) = self.shape();
        let cells = Idx::all(rows).flat_map(|row| Idx::all(columns).map(move |column| (row, column)));
        let here = cells.zip(self.data()).filter(|(_, found)| **found == index).map(|(cell, _)| cell);
        let (rows, columns): (Vec<_>, Vec<_>) = here.unzip();
        Occurrences::scope(rows.len(), |places| {
            body(Tensor::from_data((places,), rows), Tensor::from_data((places,), columns))
        })
    }
}
