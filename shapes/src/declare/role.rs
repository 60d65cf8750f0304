//! What was done to a tensor, as a wrapper of its axis: `norm_role!`, `role!`.
//!
//! What does not belong here: the roles of this crate ([`Role`](crate::Role)).

/// Declares the roles of norms, for tensors that have one width and must not be mixed. `: HeadNorm` declares that of a
/// norm of each head, `: BranchNorm` that of a norm of a branch.
///
/// ```
/// use trine_shapes::{Fixed, Normed, norm_role};
/// norm_role! {
///     /// After the patches are embedded.
///     pub enum PatchNorm = "patch_norm";
///     /// Of the queries of images.
///     pub enum ImageQueryNorm: HeadNorm = "image_q_norm";
/// }
/// let demanded: Normed<PatchNorm, Fixed<192>> = Normed::of(Fixed);
/// ```
#[macro_export]
macro_rules! norm_role {
    ($($(#[$doc:meta])* $vis:vis enum $name:ident $(: $of:ident)? = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis enum $name {}

        #[diagnostic::do_not_recommend]
        impl $crate::NormRole for $name {
            const NAME: &'static str = $text;
        }

        $(
            #[diagnostic::do_not_recommend]
            impl $crate::$of for $name {}
        )?
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
