//! Any literal as a `typenum` number on stable Rust.
//!
//! `typenum` names few numbers above 1024 and its `Const<N>` conversion covers the same ones. [`tn!`](crate::tn) folds
//! the bits of a literal instead, so that a length such as 2560 can be a type.

use typenum::{B0, B1, UInt, UTerm};

/// One bit of a literal.
pub struct Bit<const B: bool>;

/// Appends a bit to a number; leading zeros vanish.
pub trait Push<T> {
    /// The longer number.
    type Out;
}

impl Push<Bit<false>> for UTerm {
    type Out = UTerm;
}
impl Push<Bit<true>> for UTerm {
    type Out = UInt<UTerm, B1>;
}
impl<U, B> Push<Bit<false>> for UInt<U, B> {
    type Out = UInt<UInt<U, B>, B0>;
}
impl<U, B> Push<Bit<true>> for UInt<U, B> {
    type Out = UInt<UInt<U, B>, B1>;
}

/// The highest bit of a number that [`tn!`](crate::tn) can make, which has to be zero.
///
/// # Panics
/// For a number of 2^20 or more, which a compiler reports as an error.
pub const fn no_bit_above(n: usize) -> bool {
    assert!(n < 1 << 20, "`tn!` takes constants below 2^20");
    false
}

/// The `typenum` type of a constant below 2^20: `tn!(2560)` is what `U2560` would be.
///
/// A larger constant does not compile:
/// ```compile_fail,E0080
/// type Vocabulary = trine_shapes::tn!(1 << 20);
/// fn take(_: Vocabulary) {}
/// ```
#[macro_export]
macro_rules! tn {
    ($n:expr) => {
        $crate::tn!(@ $n;
            <$crate::macro_support::UTerm as $crate::macro_support::Push<
                $crate::macro_support::Bit<{ $crate::macro_support::no_bit_above($n) }>,
            >>::Out; 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0)
    };
    (@ $n:expr; $number:ty; ) => { $number };
    (@ $n:expr; $number:ty; $bit:literal $($rest:literal)*) => {
        $crate::tn!(@ $n;
            <$number as $crate::macro_support::Push<$crate::macro_support::Bit<{ ($n >> $bit) & 1 == 1 }>>>::Out;
            $($rest)*)
    };
}

#[cfg(test)]
mod tests {
    use typenum::Unsigned;

    #[test]
    fn literals_keep_their_value() {
        assert_eq!(<tn!(0)>::USIZE, 0);
        assert_eq!(<tn!(2560)>::USIZE, 2560);
        assert_eq!(<tn!(128256)>::USIZE, 128256);
        assert_eq!(<tn!((1 << 20) - 1)>::USIZE, 1048575);
    }
}
