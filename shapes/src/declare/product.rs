//! Axes that are the product of two others: `product!`.
//!
//! What does not belong here: what split and merge do with them ([`layout`](crate::Tensor::split_at)).

/// Declares axes that are the product of two others: their length follows, and they split and merge.
///
/// Each factor is written as the type that it is. A factor is an axis in the source (`Rows`, `Fixed<3>`) or an axis of
/// the environment that the product names (`Width<E>`).
///
/// ```
/// use trine_shapes::{Axis, Fixed, Tensor, axis, product};
///
/// axis! { struct Rows = 4; struct Columns = 6; }
/// product! {
///     /// Pixels in the order in which they lie.
///     struct Pixels = Rows x Columns;
/// }
///
/// let image = Tensor::from_fn((Fixed::<1>, Pixels), |i| i);
/// let by_row: Tensor<_, (_, Rows, Columns)> = image.split();
/// assert_eq!((Pixels.len(), by_row.shape().2.len()), (24, 6));
/// let _: Tensor<_, (_, Pixels)> = by_row.merge();
/// ```
/// What is not the product of two axes does not split:
/// ```compile_fail,E0277
/// # use trine_shapes::{Fixed, Tensor, axis};
/// axis! { struct Pixels = 24; }
/// let image = Tensor::from_fn((Fixed::<1>, Pixels), |i| i);
/// let by_row: Tensor<usize, (_, Fixed<4>, Fixed<6>)> = image.split();
/// ```
#[macro_export]
macro_rules! product {
    () => {};
    ($(#[$doc:meta])* $vis:vis struct $name:ident
     = $outer:ident $(<$slow:literal>)? x $inner:ident $(<$fast:literal>)?; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name;

        // Lawful: a function of two lawful axes.
        $crate::axis!(@lawful [] $name, $name, |axis| {
            let (slow, fast) = $crate::Factored::parts(axis);
            $crate::product_of(&[$crate::Axis::len(slow), $crate::Axis::len(fast)])
        });

        #[diagnostic::do_not_recommend]
        impl $crate::Factored for $name {
            type Slow = $outer $(<$slow>)?;
            type Fast = $inner $(<$fast>)?;

            #[inline]
            fn parts(self) -> (Self::Slow, Self::Fast) {
                Default::default()
            }

            #[inline]
            fn whole(_: Self::Slow, _: Self::Fast) -> Self {
                $name
            }
        }
        $crate::product!($($rest)*);
    };
    // At least one factor is an axis of the environment, which the product takes from it.
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path>
     = $outer:ident<$slow:ident> x $inner:ident<$fast:ident>; $($rest:tt)*) => {
        $crate::product!(@of [$(#[$doc])* $vis] $name, $environment, $bound, |outer, inner, own| outer.environment(),
            [$outer<$slow>] [<Self::Slow>::of(own)] [$inner<$fast>] [<Self::Fast>::of(own)]);
        $crate::product!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path>
     = $outer:ident<$slow:ident> x $inner:ident $(<$fast:literal>)?; $($rest:tt)*) => {
        $crate::product!(@of [$(#[$doc])* $vis] $name, $environment, $bound, |outer, inner, own| outer.environment(),
            [$outer<$slow>] [<Self::Slow>::of(own)] [$inner $(<$fast>)?] [<Self::Fast>::default()]);
        $crate::product!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path>
     = $outer:ident $(<$slow:literal>)? x $inner:ident<$fast:ident>; $($rest:tt)*) => {
        $crate::product!(@of [$(#[$doc])* $vis] $name, $environment, $bound, |outer, inner, own| inner.environment(),
            [$outer $(<$slow>)?] [<Self::Slow>::default()] [$inner<$fast>] [<Self::Fast>::of(own)]);
        $crate::product!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path> = $outer:ident x $inner:ident;
     $($rest:tt)*) => {
        compile_error!(concat!(
            "`", stringify!($name), "`: no factor is an axis of `", stringify!($environment),
            "`; write those that are as `", stringify!($outer), "<", stringify!($environment), ">`"
        ));
    };
    (@of [$(#[$doc:meta])* $vis:vis] $name:ident, $environment:ident, $bound:path,
     |$slow:ident, $fast:ident, $own:ident| $whole:expr,
     [$($Slow:tt)*] [$outer:expr] [$($Fast:tt)*] [$inner:expr]) => {
        $crate::axis!(@of $(#[$doc])* $vis struct $name<$environment: $bound>);

        #[diagnostic::do_not_recommend]
        impl<$environment: $bound, Other: $bound> $crate::Counterpart<$name<Other>> for $name<$environment> {}

        // Lawful: a function of two lawful axes.
        $crate::axis!(@lawful [$environment: $bound] $name<$environment>, $name, |axis| {
            let (slow, fast) = $crate::Factored::parts(axis);
            $crate::product_of(&[$crate::Axis::len(slow), $crate::Axis::len(fast)])
        });

        #[diagnostic::do_not_recommend]
        impl<$environment: $bound> $crate::Factored for $name<$environment> {
            type Slow = $($Slow)*;
            type Fast = $($Fast)*;

            #[inline]
            fn parts(self) -> (Self::Slow, Self::Fast) {
                let $own = self.0;
                ($outer, $inner)
            }

            #[inline]
            #[allow(unused_variables, reason = "one factor knows the environment")]
            fn whole($slow: Self::Slow, $fast: Self::Fast) -> Self {
                $name($whole)
            }
        }
    };
}
