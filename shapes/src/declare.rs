//! Declaring axes, products, environments and roles: `axis!`, `product!`, `environment!`, `norm_role!`, `role!`.
//!
//! The axes of this crate are made by the same macros. What does not belong here: the traits that they implement
//! ([`axis`](crate::Axis), [`environment`](crate::Environment)).

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
        impl<$environment: $bound> $name<$environment> {
            /// This axis of `environment`.
            #[inline]
            $vis fn of(environment: $environment) -> Self {
                $name(environment)
            }

            /// The environment that gives the axis its length.
            #[inline]
            $vis fn environment(self) -> $environment {
                self.0
            }
        }
    };
    // What is declared says nothing of what was done to a tensor.
    (@plain [$($generics:tt)*] $axis:ty) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> $crate::Plain for $axis {}
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> $crate::Roleless for $axis {}
    };
    // The implementation for an axis whose scratch is on the heap.
    (@lawful [$($generics:tt)*] $axis:ty, $name:ident, |$value:ident| $len:expr) => {
        $crate::axis!(@plain [$($generics)*] $axis);

        #[diagnostic::do_not_recommend]
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

/// Declares axes that are the product of two others: their length follows, and they split and merge.
///
/// The factors are axes in the source, or axes of one environment.
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
    ($(#[$doc:meta])* $vis:vis struct $name:ident = $outer:ident x $inner:ident; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name;

        // Lawful: a function of two lawful axes.
        $crate::axis!(@lawful [] $name, $name, |_axis| {
            $crate::product_of(&[$crate::Axis::len($outer), $crate::Axis::len($inner)])
        });

        #[diagnostic::do_not_recommend]
        impl $crate::Factored for $name {
            type Slow = $outer;
            type Fast = $inner;

            #[inline]
            fn parts(self) -> ($outer, $inner) {
                ($outer, $inner)
            }

            #[inline]
            fn whole(_: $outer, _: $inner) -> Self {
                $name
            }
        }
        $crate::product!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path> = $outer:ident x $inner:ident;
     $($rest:tt)*) => {
        $crate::axis!(@of $(#[$doc])* $vis struct $name<$environment: $bound>);

        #[diagnostic::do_not_recommend]
        impl<$environment: $bound, Other: $bound> $crate::Counterpart<$name<Other>> for $name<$environment> {}

        // Lawful: a function of two lawful axes.
        $crate::axis!(@lawful [$environment: $bound] $name<$environment>, $name, |axis| {
            $crate::product_of(&[$crate::Axis::len($outer::of(axis.0)), $crate::Axis::len($inner::of(axis.0))])
        });

        #[diagnostic::do_not_recommend]
        impl<$environment: $bound> $crate::Factored for $name<$environment> {
            type Slow = $outer<$environment>;
            type Fast = $inner<$environment>;

            #[inline]
            fn parts(self) -> ($outer<$environment>, $inner<$environment>) {
                ($outer::of(self.0), $inner::of(self.0))
            }

            #[inline]
            fn whole(outer: $outer<$environment>, _: $inner<$environment>) -> Self {
                $name(outer.environment())
            }
        }
        $crate::product!($($rest)*);
    };
}

/// Declares environments: what gives the axes of a program their lengths.
///
/// | | |
/// |---|---|
/// | `struct Vit { patches, width }` | names the lengths |
/// | `struct Small: Vit { patches: 196, width: 192 }` | an environment with these lengths in the source: they fold |
/// | `struct Loaded: Vit;` | an environment whose lengths `Loaded::pin` fixes once for the process |
///
/// For any number of sets of lengths that are known at run time, [`Dyn::scope`](crate::Dyn::scope) makes an environment
/// for each. Functions take all three by the bound `E: Environment<Vit>`.
///
/// ```
/// use trine_shapes::{Axis, Dyn, Environment, Fixed, Tensor, axis, environment, product};
///
/// environment! {
///     /// The lengths of a vision transformer.
///     pub struct Vit { patches, heads, head_width }
///     /// For images of 224 x 224, cut into patches of 16 x 16.
///     pub struct Small: Vit { patches: 14 * 14, heads: 3, head_width: 64 }
///     /// For the images of a file.
///     pub struct Loaded: Vit;
/// }
/// axis! {
///     /// Patches of one image.
///     pub struct Patches<E: Environment<Vit>> = |vit| vit.patches;
///     /// Attention heads.
///     pub struct Heads<E: Environment<Vit>> = |vit| vit.heads;
///     /// Width of one head.
///     pub struct HeadWidth<E: Environment<Vit>> = |vit| vit.head_width;
/// }
/// product! {
///     /// Residual width.
///     pub struct Width<E: Environment<Vit>> = Heads x HeadWidth;
/// }
///
/// /// The number of values that one image becomes.
/// fn values<E: Environment<Vit>>(environment: E) -> usize {
///     Tensor::<f32, (Patches<E>, Width<E>)>::zeros((Patches::of(environment), Width::of(environment))).data().len()
/// }
///
/// assert_eq!(values(Small), 196 * 192);
/// let lengths = Vit { patches: 5, heads: 2, head_width: 8 };
/// assert_eq!(values(Loaded::pin(lengths)?), 80);
/// assert!(Loaded::pin(Vit { patches: 6, ..lengths }).is_err());
/// assert_eq!(Dyn::scope(Vit { patches: 7, ..lengths }, |vit| values(vit)), 112);
/// # Ok::<(), trine_shapes::AlreadyPinned<Vit>>(())
/// ```
/// Two environments do not mix, whatever their lengths:
/// ```compile_fail,E0308
/// # use trine_shapes::{Environment, Tensor, axis, environment};
/// # environment! { struct Vit { patches } struct Small: Vit { patches: 196 } struct Tall: Vit { patches: 196 } }
/// # axis! { struct Patches<E: Environment<Vit>> = |vit| vit.patches; }
/// let of_small: Tensor<f32, (Patches<Small>,)> = Tensor::zeros((Patches::of(Tall),));
/// ```
#[macro_export]
macro_rules! environment {
    () => {};
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($(#[$about:meta])* $length:ident),+ $(,)? } $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis struct $name { $($(#[$about])* $vis $length: usize),+ }
        $crate::environment!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident: $Lengths:path { $($length:ident: $len:expr),+ $(,)? }
     $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name;

        // Lawful: a constant.
        #[diagnostic::do_not_recommend]
        impl $crate::Environment<$Lengths> for $name {
            const NAME: &'static str = stringify!($name);

            #[inline(always)]
            fn lengths(self) -> $Lengths {
                // A struct literal takes an alias, not a macro's path.
                type Lengths = $Lengths;
                const LENGTHS: Lengths = Lengths { $($length: $len),+ };
                LENGTHS
            }
        }
        $crate::environment!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident: $Lengths:path; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name(());

        impl $name {
            /// Fixes the lengths of this type for the life of the process.
            ///
            /// # Errors
            /// The type already has other lengths.
            $vis fn pin(lengths: $Lengths) -> Result<Self, $crate::AlreadyPinned<$Lengths>> {
                let expected = *Self::cell().get_or_init(|| $crate::macro_support::Box::new(lengths));
                if expected == lengths {
                    Ok(Self(()))
                } else {
                    let [expected, found] = [expected, lengths].map($crate::macro_support::Box::new);
                    Err($crate::AlreadyPinned { environment: stringify!($name), expected, found })
                }
            }

            fn cell() -> &'static $crate::macro_support::OnceBox<$Lengths> {
                static CELL: $crate::macro_support::OnceBox<$Lengths> = $crate::macro_support::OnceBox::new();
                &CELL
            }
        }

        // Lawful: a value exists only after `pin`, and the cell is written once.
        #[diagnostic::do_not_recommend]
        impl $crate::Environment<$Lengths> for $name {
            const NAME: &'static str = stringify!($name);

            #[inline]
            fn lengths(self) -> $Lengths {
                *Self::cell().get().expect("a value of a pinned environment exists only after `pin`")
            }
        }
        $crate::environment!($($rest)*);
    };
}

/// Declares the roles of norms, for tensors that have one width and must not be mixed.
///
/// ```
/// use trine_shapes::{Fixed, Normed, norm_role};
/// norm_role! {
///     /// After the patches are embedded.
///     pub enum PatchNorm = "patch_norm";
/// }
/// let demanded: Normed<PatchNorm, Fixed<192>> = Normed::of(Fixed);
/// ```
#[macro_export]
macro_rules! norm_role {
    ($($(#[$doc:meta])* $vis:vis enum $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis enum $name {}

        #[diagnostic::do_not_recommend]
        impl $crate::NormRole for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

/// Declares roles: what was done to a tensor, as a wrapper of the axis that it was done to ([`Role`](crate::Role)).
///
/// | | who gives it to a tensor? |
/// |---|---|
/// | `struct Memory<A>;` | the module that declares it, by `Memory::give` |
/// | `struct Forget<A>: Made;` | that module, and matrices whose rows are declared to be it ([`Made`](crate::Made)) |
///
/// `give` and `take`, which takes the role off again, are private to that module: functions with the names of what is
/// done are what it offers others.
///
/// ```
/// use trine_shapes::*;
///
/// mod memory {
///     use trine_shapes::*;
///
///     role! {
///         /// What a cell remembers of the steps before.
///         pub struct Memory<A>;
///     }
///
///     /// The memory before the first step.
///     pub fn empty<B: Plain, A: Plain>(batch: B, cells: A) -> Tensor<f32, (B, Memory<A>)> {
///         Memory::give(Tensor::zeros((batch, cells)))
///     }
/// }
///
/// let memory: Tensor<f32, (Fixed<2>, memory::Memory<Fixed<3>>)> = memory::empty(Fixed, Fixed);
/// ```
/// Elsewhere nothing gives the role, and nothing declares it of data:
/// ```compile_fail,E0624
/// # use trine_shapes::*;
/// # mod memory { trine_shapes::role! { pub struct Memory<A>; } }
/// let memory = memory::Memory::give(Tensor::<f32, _>::zeros((Fixed::<2>, Fixed::<3>)));
/// ```
/// ```compile_fail,E0277
/// # use trine_shapes::*;
/// # mod memory { trine_shapes::role! { pub struct Memory<A>; } }
/// let memory = Tensor::<f32, _>::zeros((Fixed::<2>, memory::Memory::of(Fixed::<3>)));
/// ```
#[macro_export]
macro_rules! role {
    () => {};
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$axis:ident>; $($rest:tt)*) => {
        $crate::role!(@role $(#[$doc])* $vis struct $name<$axis>);
        $crate::role!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$axis:ident>: Made; $($rest:tt)*) => {
        $crate::role!(@role $(#[$doc])* $vis struct $name<$axis>);

        #[diagnostic::do_not_recommend]
        impl<$axis: $crate::Plain> $crate::Additive for $name<$axis> {}
        #[diagnostic::do_not_recommend]
        impl<$axis: $crate::Plain> $crate::Made for $name<$axis> {}
        $crate::role!($($rest)*);
    };
    (@role $(#[$doc:meta])* $vis:vis struct $name:ident<$axis:ident>) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name<$axis>($axis);

        #[allow(dead_code, reason = "a program need not use all that a role offers")]
        impl<$axis: $crate::Axis> $name<$axis> {
            /// The axis with this role, as weights demand it.
            #[inline]
            $vis fn of(axis: $axis) -> Self {
                $name(axis)
            }

            /// The tensor with this role on its last axis.
            fn give<T, S>(x: $crate::Tensor<T, S>) -> $crate::Tensor<T, S::With<Self>>
            where
                S: $crate::At<$crate::Last, Here = $axis>,
            {
                let shape = x.shape();
                let shape = shape.with($name(shape.here()));
                $crate::Tensor::assume(shape, x.into_data(), "the module that declares a role gives it")
            }

            /// The tensor without this role.
            fn take<T, S>(x: $crate::Tensor<T, S>) -> $crate::Tensor<T, S::With<$axis>>
            where
                S: $crate::At<$crate::Last, Here = Self>,
            {
                let shape = x.shape();
                let shape = shape.with(shape.here().0);
                $crate::Tensor::assume(shape, x.into_data(), "a role has no length of its own")
            }
        }

        // Lawful: the length of a lawful axis.
        #[diagnostic::do_not_recommend]
        impl<$axis: $crate::Axis> $crate::Axis for $name<$axis> {
            const NAME: &'static str = <$axis as $crate::Axis>::NAME;
            type Buf<T: Copy + Default> = <$axis as $crate::Axis>::Buf<T>;

            #[inline]
            fn len(self) -> usize {
                $crate::Axis::len(self.0)
            }

            fn buf<T: Copy + Default>(self) -> Self::Buf<T> {
                $crate::Axis::buf(self.0)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$axis: $crate::Plain> $crate::Role for $name<$axis> {
            type Plain = $axis;

            #[inline]
            fn inner(self) -> $axis {
                self.0
            }
        }
    };
}
