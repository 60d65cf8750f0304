//! What gives axes their lengths: `environment!`.
//!
//! What does not belong here: environments that are models ([`static_model!`](crate::static_model)).

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
///     pub struct Width<E: Environment<Vit>> = Heads<E> x HeadWidth<E>;
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

        $(const _: () = assert!($len > 0, concat!("`", stringify!($name), "`: `", stringify!($length), "` is 0"));)+

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
