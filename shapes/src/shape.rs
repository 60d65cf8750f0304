//! Shapes: tuples of one to five axes.

use crate::axis::{Axis, Plain, Roleless};
use core::fmt::Debug;

/// A tuple of one to five axes, outermost first; tensors of it are contiguous and row-major.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    label = "expected a tuple of 1 to 5 axes, such as `(T, Hidden<M>)` with `T: Axis`"
)]
pub trait Shape: Copy + Debug + Send + Sync {
    /// Lengths, outermost first.
    type Lens: AsRef<[usize]>;

    /// Names of the axes, outermost first.
    const NAMES: &'static [&'static str];

    /// Lengths of the axes, outermost first.
    fn lens(self) -> Self::Lens;

    /// Number of elements: the product of the lengths.
    ///
    /// # Panics
    /// If no memory can hold as many.
    fn elements(self) -> usize;
}

/// A shape of [`Plain`] axes: data can be declared to have it.
#[diagnostic::on_unimplemented(
    message = "data cannot be declared to have the shape `{Self}`",
    label = "expected a tuple of 1 to 5 axes that come from no operation and no state",
    note = "plain axes are those of `axis!` and `product!`, such as `Hidden<M>` where `M: Model`, and `Fixed<N>`",
    note = "data of a step enter by `Tensor::of_sequences`"
)]
pub trait PlainShape: Shape {}

/// A shape of [`Roleless`] axes: operations that give no role take it, and leave it as it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape without roles",
    label = "expected a tuple of 1 to 5 axes, such as `(T, Hidden<M>)` with `T: Roleless`"
)]
pub trait RolelessShape: Shape {}

macro_rules! shape {
    ($count:literal: $($axis:ident $field:tt)*) => {
        impl<$($axis: Axis),*> Shape for ($($axis,)*) {
            type Lens = [usize; $count];
            const NAMES: &'static [&'static str] = &[$($axis::NAME),*];

            #[inline]
            fn lens(self) -> [usize; $count] {
                [$(self.$field.len()),*]
            }

            #[inline]
            fn elements(self) -> usize {
                trine_memory::product_of(&[$(self.$field.len()),*])
            }
        }
        #[diagnostic::do_not_recommend]
        impl<$($axis: Plain),*> PlainShape for ($($axis,)*) {}
        impl<$($axis: Roleless),*> RolelessShape for ($($axis,)*) {}
    };
}
shape!(1: A 0);
shape!(2: A 0 B 1);
shape!(3: A 0 B 1 C 2);
shape!(4: A 0 B 1 C 2 D 3);
shape!(5: A 0 B 1 C 2 D 3 E 4);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn lengths_names_and_elements() {
        let shape = (Fixed::<2>, Fixed::<3>, Fixed::<5>, Fixed::<7>);
        assert_eq!((shape.lens(), shape.elements()), ([2, 3, 5, 7], 210));
        assert_eq!(<(Fixed<2>, Fixed<3>) as Shape>::NAMES, ["Fixed", "Fixed"]);
    }
}
