//! Axes: `axis!`.
//!
//! What does not belong here: the traits that it implements ([`axis`](crate::Axis)).

/// Declares axes. Where the length comes from decides how an axis is written:
///
/// | | the length is | how many lengths can it have? |
/// |---|---|---|
/// | `struct Colours = 3;` | in the source | one |
/// | `struct Patches<E: Environment<Vit>> = \|vit\| vit.patches;` | computed in `E` | one for each `E` |
/// | `struct Images<'scope>;` | given to `Images::scope` | one for each scope, which has its own type |
///
/// ```
/// use trine_shapes::{Axis, Tensor, View, axis};
///
/// axis! {
///     /// Red, green, blue.
///     pub struct Colours = 3;
///     /// Pixels of one image.
///     pub struct Pixels = 28 * 28;
///     /// Images that are processed together.
///     pub struct Images<'scope>;
/// }
///
/// /// Only an image with these axes in this order is taken.
/// fn brightness(image: View<'_, u8, (Pixels, Colours)>) -> usize {
///     image.data().iter().map(|&value| usize::from(value)).sum()
/// }
///
/// let image = Tensor::from_fn((Pixels, Colours), |_| 1);
/// assert_eq!(brightness(image.view()), 2352);
/// assert_eq!(Images::scope(5, |images| images.len()), 5);
/// ```
/// A length in the source is a constant, and not 0:
/// ```compile_fail,E0080
/// trine_shapes::axis! { struct Colours = 0; }
/// ```
/// Another order is another type, and so is another scope:
/// ```compile_fail,E0308
/// # use trine_shapes::{Tensor, View, axis};
/// # axis! { struct Colours = 3; struct Pixels = 28 * 28; }
/// # fn brightness(_: View<'_, u8, (Pixels, Colours)>) {}
/// brightness(Tensor::from_fn((Colours, Pixels), |_| 1).view());
/// ```
/// ```compile_fail,E0521
/// # use trine_shapes::{Axis, axis};
/// # axis! { struct Images<'scope>; }
/// # fn add<A: Axis>(left: A, right: A) {}
/// Images::scope(5, |a| Images::scope(5, |b| add(a, b)));
/// ```
#[macro_export]
macro_rules! axis {
    () => {};
    ($(#[$doc:meta])* $vis:vis struct $name:ident = $len:expr; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name;

        // Not in `len` alone, as a compiler looks there only for programs that call it.
        const _: () = assert!($len > 0, concat!("axis `", stringify!($name), "` has length 0"));

        // Lawful: a constant.
        $crate::axis!(@lawful [] $name, $name, |_axis| const { $len });
        $crate::axis!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path> = |$lengths:ident| $len:expr;
     $($rest:tt)*) => {
        $crate::axis!(@of $(#[$doc])* $vis struct $name<$environment: $bound>);

        #[diagnostic::do_not_recommend]
        impl<$environment: $bound, Other: $bound> $crate::Counterpart<$name<Other>> for $name<$environment> {}

        // Lawful: a function of what the environment gives, which is one for each type.
        $crate::axis!(@lawful [$environment: $bound] $name<$environment>, $name, |axis| {
            let $lengths = $crate::Environment::lengths(axis.0);
            $len
        });
        $crate::axis!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$scope:lifetime>; $($rest:tt)*) => {
        $(#[$doc])*
        ///
        /// `scope` makes a fresh type for each call, so two of them never mix.
        #[derive(Clone, Copy, Debug)]
        $vis struct $name<$scope>($crate::macro_support::Length<$scope>);

        impl<$scope> $name<$scope> {
            /// Runs `body` with a fresh axis of `len` indices. No other scope can make this type.
            $vis fn scope<R>(len: usize, body: impl for<'fresh> FnOnce($name<'fresh>) -> R) -> R {
                $crate::macro_support::Length::scope(len, |length| body($name(length)))
            }
        }

        // Lawful: a `Length` is branded by its scope.
        $crate::axis!(@lawful [$scope] $name<$scope>, $name, |axis| axis.0.get());
        $crate::axis!($($rest)*);
    };
    // The type of an axis whose length an environment gives.
    (@of $(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path>) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        $vis struct $name<$environment>($environment);

        #[allow(dead_code, reason = "a program need not use all that an axis offers")]
        impl<$environment> $name<$environment> {
            /// This axis of `environment`.
            #[inline]
            $vis fn of(environment: $environment) -> Self {
                $name(environment)
            }

            /// The environment that gives the axis its length.
            #[inline]
            $vis fn environment(self) -> $environment
            where
                $environment: Copy,
            {
                self.0
            }
        }
    };
    // What is declared says nothing of what was done to a tensor.
    (@plain [$($generics:tt)*] $axis:ty) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> $crate::Plain for $axis {}
        impl<$($generics)*> $crate::Roleless for $axis {}
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> $crate::Named for $axis {}
    };
    // The implementation for an axis whose scratch is on the heap.
    (@lawful [$($generics:tt)*] $axis:ty, $name:ident, |$value:ident| $len:expr) => {
        $crate::axis!(@plain [$($generics)*] $axis);

        impl<$($generics)*> $crate::Axis for $axis {
            const NAME: &'static str = stringify!($name);
            type Buf<T: Copy + Default> = $crate::macro_support::Vec<T>;

            #[inline]
            fn len(self) -> usize {
                let $value = self;
                $len
            }

            fn buf<T: Copy + Default>(self) -> $crate::macro_support::Vec<T> {
                $crate::macro_support::zeros($crate::Axis::len(self))
            }
        }
    };
}
