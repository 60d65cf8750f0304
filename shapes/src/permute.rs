//! Axes that change places.
//!
//! What belongs here: copies of all elements in another order. What does not: axes that merge or split
//! ([`Tensor::split_at`]).

use crate::axis::Axis;
use crate::place::{First, Fourth, Second, Third, sealed};
use crate::shape::Shape;
use crate::tensor::{Tensor, View};
use alloc::vec::Vec;

/// A shape whose axes can take the order `P`, such as `(Third, First, Second)`.
#[diagnostic::on_unimplemented(
    message = "`{P}` is not an order of the axes of `{Self}`",
    label = "expected each place of the shape once",
    note = "an order of three axes is a tuple such as `(Third, First, Second)`; shapes have 2 to 4 axes here"
)]
pub trait Permutes<P: sealed::Order>: Shape + sealed::Tuple {
    /// The shape in that order.
    type Permuted: Shape;

    /// Which axis lies at each place of the new order.
    const ORDER: &'static [usize];

    /// The shape in that order.
    fn permuted(self) -> Self::Permuted;
}

impl<T: Copy, S: Shape> View<'_, T, S> {
    /// The axes in the order `P`, a copy: axis `i` of the result is the one whose place stands at `i`, at ranks 2 to
    /// 4. Reference: `numpy.transpose(x, order)`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// fn heads_first<T: Axis, H: Axis, D: Axis>(x: View<f32, (T, H, D)>) -> Tensor<f32, (H, D, T)> {
    ///     x.permute((Second, Third, First))
    /// }
    /// ```
    /// An axis is not there twice:
    /// ```compile_fail,E0277
    /// # use trine_shapes::*;
    /// fn twice<T: Axis, H: Axis, D: Axis>(x: View<f32, (T, H, D)>) {
    ///     x.permute((Second, Second, First));
    /// }
    /// ```
    pub fn permute<P: sealed::Order>(self, _: P) -> Tensor<T, S::Permuted>
    where
        S: Permutes<P>,
    {
        let data = permuted(self.data(), self.shape().lens().as_ref(), S::ORDER);
        Tensor::assume(self.shape().permuted(), data, "the same elements in another order")
    }
}

macro_rules! swap {
    ($(#[$doc:meta])* $name:ident: ($($axis:ident)*) => ($($swapped:ident)*), $order:expr) => {
        impl<T: Copy, $($axis: Axis),*> View<'_, T, ($($axis,)*)> {
            $(#[$doc])*
            #[allow(non_snake_case, reason = "an axis has the name of its type")]
            pub fn $name(self) -> Tensor<T, ($($swapped,)*)> {
                let ($($axis,)*) = self.shape();
                let data = permuted(self.data(), &self.shape().lens(), &$order);
                Tensor::assume(($($swapped,)*), data, "the same elements in another order")
            }
        }
    };
}

swap! {
    /// The transpose, a copy: `(A, B) -> (B, A)`. Reference: `numpy.swapaxes(x, -1, -2)`.
    ///
    /// ```
    /// use trine_shapes::*;
    /// let x = Tensor::from_data((Fixed::<2>, Fixed::<3>), [1, 2, 3, 4, 5, 6]);
    /// let transposed: Tensor<_, (Fixed<3>, Fixed<2>)> = x.view().swap_last();
    /// assert_eq!(transposed.data(), [1, 4, 2, 5, 3, 6]);
    /// ```
    swap_last: (A B) => (B A), [1, 0]
}
swap! {
    /// The last two axes exchanged, a copy: `(A, B, C) -> (A, C, B)`. Reference: `numpy.swapaxes(x, -1, -2)`.
    swap_last: (A B C) => (A C B), [0, 2, 1]
}
swap! {
    /// The last two axes exchanged, a copy: `(A, B, C, D) -> (A, B, D, C)`. Reference: `numpy.swapaxes(x, -1, -2)`.
    swap_last: (A B C D) => (A B D C), [0, 1, 3, 2]
}
swap! {
    /// The last two axes exchanged, a copy: `(A, B, C, D, E) -> (A, B, C, E, D)`. Reference:
    /// `numpy.swapaxes(x, -1, -2)`.
    swap_last: (A B C D E) => (A B C E D), [0, 1, 2, 4, 3]
}
swap! {
    /// The first two axes exchanged, a copy: `(A, B, C) -> (B, A, C)`, heads before tokens or tokens before heads.
    /// Reference: `numpy.swapaxes(x, 0, 1)`.
    swap_first: (A B C) => (B A C), [1, 0, 2]
}
swap! {
    /// The first two axes exchanged, a copy: `(A, B, C, D) -> (B, A, C, D)`. Reference: `numpy.swapaxes(x, 0, 1)`.
    swap_first: (A B C D) => (B A C D), [1, 0, 2, 3]
}
swap! {
    /// The first two axes exchanged, a copy: `(A, B, C, D, E) -> (B, A, C, D, E)`. Reference:
    /// `numpy.swapaxes(x, 0, 1)`.
    swap_first: (A B C D E) => (B A C D E), [1, 0, 2, 3, 4]
}

/// The elements of `data`, row-major of `lens`, in the order in which they lie where axis `order[i]` is the `i`-th.
fn permuted<T: Copy>(data: &[T], lens: &[usize], order: &[usize]) -> Vec<T> {
    let stride = |axis: usize| -> usize { lens[axis + 1..].iter().product() };
    let axes: Vec<(usize, usize)> = order.iter().map(|&axis| (lens[axis], stride(axis))).collect();
    let mut indices = vec![0; axes.len()];
    let mut from = 0;
    let mut elements = Vec::with_capacity(data.len());
    for _ in 0..data.len() {
        elements.push(data[from]);
        for (index, &(len, stride)) in indices.iter_mut().zip(&axes).rev() {
            *index += 1;
            from += stride;
            if *index < len {
                break;
            }
            from -= stride * len;
            *index = 0;
        }
    }
    elements
}

macro_rules! permutes {
    (($($axis:ident)*) $($($place:ident $there:ident $index:literal),*;)*) => {
        permutes!(@ [$($axis)*] $([$($place $there $index),*])*);
    };
    (@ $axes:tt $($order:tt)*) => { $(permutes!(one $axes $order);)* };
    (one [$($axis:ident)*] [$($place:ident $there:ident $index:literal),*]) => {
        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, reason = "an axis has the name of its type")]
        impl<$($axis: Axis),*> Permutes<($($place,)*)> for ($($axis,)*) {
            type Permuted = ($($there,)*);
            const ORDER: &'static [usize] = &[$($index),*];

            #[inline]
            fn permuted(self) -> ($($there,)*) {
                let ($($axis,)*) = self;
                ($($there,)*)
            }
        }
    };
}

permutes! { (A B)
    First A 0, Second B 1;
    Second B 1, First A 0;
}
permutes! { (A B C)
    First A 0, Second B 1, Third C 2;
    First A 0, Third C 2, Second B 1;
    Second B 1, First A 0, Third C 2;
    Second B 1, Third C 2, First A 0;
    Third C 2, First A 0, Second B 1;
    Third C 2, Second B 1, First A 0;
}
permutes! { (A B C D)
    First A 0, Second B 1, Third C 2, Fourth D 3;
    First A 0, Second B 1, Fourth D 3, Third C 2;
    First A 0, Third C 2, Second B 1, Fourth D 3;
    First A 0, Third C 2, Fourth D 3, Second B 1;
    First A 0, Fourth D 3, Second B 1, Third C 2;
    First A 0, Fourth D 3, Third C 2, Second B 1;
    Second B 1, First A 0, Third C 2, Fourth D 3;
    Second B 1, First A 0, Fourth D 3, Third C 2;
    Second B 1, Third C 2, First A 0, Fourth D 3;
    Second B 1, Third C 2, Fourth D 3, First A 0;
    Second B 1, Fourth D 3, First A 0, Third C 2;
    Second B 1, Fourth D 3, Third C 2, First A 0;
    Third C 2, First A 0, Second B 1, Fourth D 3;
    Third C 2, First A 0, Fourth D 3, Second B 1;
    Third C 2, Second B 1, First A 0, Fourth D 3;
    Third C 2, Second B 1, Fourth D 3, First A 0;
    Third C 2, Fourth D 3, First A 0, Second B 1;
    Third C 2, Fourth D 3, Second B 1, First A 0;
    Fourth D 3, First A 0, Second B 1, Third C 2;
    Fourth D 3, First A 0, Third C 2, Second B 1;
    Fourth D 3, Second B 1, First A 0, Third C 2;
    Fourth D 3, Second B 1, Third C 2, First A 0;
    Fourth D 3, Third C 2, First A 0, Second B 1;
    Fourth D 3, Third C 2, Second B 1, First A 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    /// Against the element at every coordinate.
    #[test]
    fn every_element_is_at_its_new_place() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>, Fixed::<5>), |i| i);
        let y = x.view().permute((Third, First, Fourth, Second));
        assert_eq!(y.shape().lens(), [4, 2, 5, 3]);
        for (i, &element) in y.data().iter().enumerate() {
            let (c, a, d, b) = (i / 30, i / 15 % 2, i / 3 % 5, i % 3);
            assert_eq!(element, ((a * 3 + b) * 4 + c) * 5 + d, "{i}");
        }
    }

    #[test]
    fn swaps_are_their_own_inverses() {
        let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>), |i| i);
        let (last, first) = (x.view().swap_last(), x.view().swap_first());
        assert_eq!((last.shape().lens(), first.shape().lens()), ([2, 4, 3], [3, 2, 4]));
        assert_eq!((last.data()[1], first.data()[4]), (4, 12));
        assert_eq!((last.view().swap_last().data(), first.view().swap_first().data()), (x.data(), x.data()));
        let wide = Tensor::from_fn((Fixed::<2>, Fixed::<1>, Fixed::<3>, Fixed::<4>, Fixed::<5>), |i| i);
        assert_eq!(wide.view().swap_last().view().swap_last().data(), wide.data());
        assert_eq!(wide.view().swap_first().shape().lens(), [1, 2, 3, 4, 5]);
        assert_eq!(Tensor::from_fn((Fixed::<0>, Fixed::<3>), |i| i).view().swap_last().data(), []);
    }
}
