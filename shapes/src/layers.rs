//! One thing for each layer of a kind.
//!
//! What belongs here: [`PerLayer`]. What does not: which kinds there are ([`AttentionLayers`](crate::AttentionLayers)).

use crate::axis::Axis;
use crate::index::Idx;
use crate::same::NotSame;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};

/// One `X` for each index of the axis `A`: looking one up cannot fail, and weights and state of one kind of layer share
/// their index.
///
/// ```
/// use trine_shapes::{AttentionLayers, Bitnet2B4T, Idx, PerLayer};
/// fn gain(gains: &PerLayer<AttentionLayers<Bitnet2B4T>, f32>, layer: Idx<AttentionLayers<Bitnet2B4T>>) -> f32 {
///     gains[layer]
/// }
/// ```
/// An index of another kind does not fit, however many there are of each:
/// ```compile_fail,E0308
/// # use trine_shapes::{AttentionLayers, Bitnet2B4T, Idx, KvHeads, PerLayer};
/// fn gain(gains: &PerLayer<AttentionLayers<Bitnet2B4T>, f32>, layer: Idx<KvHeads<Bitnet2B4T>>) -> f32 {
///     *gains.get(layer)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PerLayer<A, X> {
    items: Vec<X>,
    axis: PhantomData<A>,
}

impl<A: Axis, X> PerLayer<A, X> {
    /// What `make` makes for each index.
    pub fn from_fn(axis: A, make: impl FnMut(Idx<A>) -> X) -> Self {
        PerLayer { items: Idx::all(axis).map(make).collect(), axis: PhantomData }
    }

    /// What `make` makes for each index, or its first error.
    ///
    /// # Errors
    /// That of `make`.
    pub fn try_from_fn<E>(axis: A, make: impl FnMut(Idx<A>) -> Result<X, E>) -> Result<Self, E> {
        Ok(PerLayer { items: Idx::all(axis).map(make).collect::<Result<_, _>>()?, axis: PhantomData })
    }

    /// The one checked conversion: as many items as the axis is long.
    ///
    /// # Errors
    /// [`NotSame`] where there are more or less.
    pub fn check(axis: A, items: Vec<X>) -> Result<Self, NotSame> {
        if items.len() != axis.len() {
            return Err(NotSame::Length {
                left: A::NAME,
                left_len: axis.len(),
                right: "items",
                right_len: items.len(),
            });
        }
        Ok(PerLayer { items, axis: PhantomData })
    }

    /// The item of an index.
    #[inline]
    pub fn get(&self, index: Idx<A>) -> &X {
        &self.items[index.get()]
    }

    /// The item of an index, to change.
    #[inline]
    pub fn get_mut(&mut self, index: Idx<A>) -> &mut X {
        &mut self.items[index.get()]
    }

    /// All items, in order.
    pub fn iter(&self) -> core::slice::Iter<'_, X> {
        self.items.iter()
    }

    /// What `f` makes of each item.
    pub fn map<Y>(self, f: impl FnMut(X) -> Y) -> PerLayer<A, Y> {
        PerLayer { items: self.items.into_iter().map(f).collect(), axis: PhantomData }
    }
}

impl<A: Axis, X> Index<Idx<A>> for PerLayer<A, X> {
    type Output = X;

    #[inline]
    fn index(&self, index: Idx<A>) -> &X {
        self.get(index)
    }
}

impl<A: Axis, X> IndexMut<Idx<A>> for PerLayer<A, X> {
    #[inline]
    fn index_mut(&mut self, index: Idx<A>) -> &mut X {
        self.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn every_index_has_its_item() {
        let mut squares = PerLayer::from_fn(Fixed::<4>, |index| index.get() * index.get());
        let last = Idx::new(Fixed::<4>, 3).unwrap();
        squares[last] += 1;
        assert_eq!((squares[last], squares.iter().sum::<usize>()), (10, 15));
        assert_eq!(squares.map(|square| square % 2).iter().sum::<usize>(), 1);
        let error = PerLayer::check(Fixed::<2>, vec!['a']).unwrap_err();
        assert_eq!(error.to_string(), "`Fixed` has length 2 but `items` has length 1");
        assert!(PerLayer::try_from_fn(Fixed::<2>, |index| if index.get() == 1 { Err(()) } else { Ok(()) }).is_err());
    }
}
