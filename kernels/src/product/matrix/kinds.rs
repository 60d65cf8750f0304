//! The packings that a matrix may have, each in one line, and what chooses among them.
//!
//! What belongs here: the list, and the macros that go through it. What does not: what is done with a matrix.

use bytes::Bytes;

use super::Matrix;
use crate::packing::{
    BF16, F16, F32, I2S, Packed, Packing, PackingError, Pq2_0, Ptq1_0, Q1_0, Q2_0, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K,
    Q6K, Q8_0, Tq1_0, Tq2_0, WeightScale,
};

/// Defines [`PackingKind`] and [`AnyPacked`] with one variant for each packing, named as its type, and what chooses
/// among them.
macro_rules! packings {
    (
        coded { $($(#[$coded_doc:meta])* $coded:ident,)+ }
        quantized { $($(#[$quantized_doc:meta])* $quantized:ident,)+ }
        float { $($(#[$float_doc:meta])* $float:ident,)+ }
    ) => {
        packings!(@types $($(#[$coded_doc])* $coded,)+ $($(#[$quantized_doc])* $quantized,)+
            $($(#[$float_doc])* $float,)+);

        /// Evaluates an expression with `$packed` bound to a matrix of codes, others with the name bound to a quantized
        /// or float one, or one for both of these.
        macro_rules! by_family {
            ($any:expr, coded($packed:ident) => $of_codes:expr, dense($dense:ident) => $of_dense:expr) => {
                by_family!(
                    $any, coded($packed) => $of_codes, quantized($dense) => $of_dense, float($dense) => $of_dense
                )
            };
            (
                $any:expr, coded($packed:ident) => $of_codes:expr, quantized($scaled:ident) => $of_scaled:expr,
                float($number:ident) => $of_numbers:expr
            ) => {
                match $any {
                    $(AnyPacked::$coded($packed) => $of_codes,)+
                    $(AnyPacked::$quantized($scaled) => $of_scaled,)+
                    $(AnyPacked::$float($number) => $of_numbers,)+
                }
            };
        }

        impl PackingKind {
            /// The packings of codes: ternary and binary ones.
            pub const CODED: &[PackingKind] = &[$(PackingKind::$coded),+];
        }

        impl AnyPacked {
            /// The same weights in another packing of codes, exactly; the multiplier is kept.
            ///
            /// # Errors
            /// As [`Packed::convert`]; [`PackingError::NotCodes`] where one of the packings is not of codes.
            pub fn convert(&self, kind: PackingKind) -> Result<AnyPacked, PackingError> {
                let none = |kind: PackingKind| Err(PackingError::NotCodes { packing: kind.name() });
                by_family!(self, coded(packed) => match kind {
                    $(PackingKind::$coded => Ok(packed.convert::<$coded>()?.into()),)+
                    _ => none(kind),
                }, dense(_p) => none(self.kind()))
            }
        }
    };
    (@types $($(#[$doc:meta])* $packing:ident,)+) => {
        /// The packings, for choice at run time.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, reason = "variants are named as their types, which are named as GGUF names them")]
        pub enum PackingKind { $($(#[$doc])* $packing),+ }

        impl PackingKind {
            /// The name in lower case, as GGUF tools spell it.
            pub fn name(self) -> &'static str {
                match self { $(PackingKind::$packing => <$packing as Packing>::NAME),+ }
            }

            /// Columns of a block.
            pub fn block(self) -> usize {
                match self { $(PackingKind::$packing => <$packing as Packing>::BLOCK),+ }
            }

            /// Bytes of a block.
            pub fn block_bytes(self) -> usize {
                match self { $(PackingKind::$packing => <$packing as Packing>::BLOCK_BYTES),+ }
            }
        }

        /// A packed matrix of any packing.
        #[derive(Debug, Clone)]
        #[allow(non_camel_case_types, reason = "variants are named as their types, which are named as GGUF names them")]
        pub enum AnyPacked { $($(#[$doc])* $packing(Packed<$packing>)),+ }

        impl AnyPacked {
            pub(super) fn new(kind: PackingKind, rows: usize, cols: usize, bytes: Bytes) -> Result<Self, PackingError> {
                Ok(match kind { $(PackingKind::$packing => Packed::<$packing>::new(rows, cols, bytes)?.into()),+ })
            }

            pub(super) fn kind(&self) -> PackingKind {
                match self { $(AnyPacked::$packing(_) => PackingKind::$packing),+ }
            }

            pub(super) fn with_multiplier(self, scale: WeightScale) -> Result<Self, PackingError> {
                Ok(match self { $(AnyPacked::$packing(packed) => packed.with_multiplier(scale)?.into()),+ })
            }
        }

        $(impl From<Packed<$packing>> for AnyPacked {
            fn from(packed: Packed<$packing>) -> Self {
                AnyPacked::$packing(packed)
            }
        })+

        $(impl From<Packed<$packing>> for Matrix {
            fn from(packed: Packed<$packing>) -> Self {
                Matrix::from(AnyPacked::$packing(packed))
            }
        })+

        /// Evaluates an expression with `$packed` bound to the matrix of whatever packing.
        macro_rules! for_any {
            ($any:expr, $packed:ident => $body:expr) => { match $any { $(AnyPacked::$packing($packed) => $body),+ } };
        }
    };
}

packings! {
    coded {
        /// Ternary, four codes a byte, one scale ([`I2S`](struct@I2S)).
        I2S,
        /// Ternary, five codes a byte, a scale for 256 columns ([`Tq1_0`](struct@Tq1_0)).
        Tq1_0,
        /// Ternary, four codes a byte, a scale for 256 columns ([`Tq2_0`](struct@Tq2_0)).
        Tq2_0,
        /// Ternary, four codes a byte, a scale for 64 columns ([`Q2_0`](struct@Q2_0)).
        Q2_0,
        /// Ternary, four codes a byte, a scale for 128 columns ([`Pq2_0`](struct@Pq2_0)).
        Pq2_0,
        /// Ternary, five codes a byte, a scale for 128 columns ([`Ptq1_0`](struct@Ptq1_0)).
        Ptq1_0,
        /// Binary, eight signs a byte, a scale for 128 columns ([`Q1_0`](struct@Q1_0)).
        Q1_0,
    }
    quantized {
        /// Eight bits, a scale for 32 columns ([`Q8_0`](struct@Q8_0)).
        Q8_0,
        /// Four bits, a scale for 32 columns ([`Q4_0`](struct@Q4_0)).
        Q4_0,
        /// Four bits, a scale and a minimum for 32 columns ([`Q4_1`](struct@Q4_1)).
        Q4_1,
        /// Five bits, a scale for 32 columns ([`Q5_0`](struct@Q5_0)).
        Q5_0,
        /// Five bits, a scale and a minimum for 32 columns ([`Q5_1`](struct@Q5_1)).
        Q5_1,
        /// Four bits, a scale and a minimum for 32 columns, scales over them for 256 ([`Q4K`](struct@Q4K)).
        Q4K,
        /// Five bits, a scale and a minimum for 32 columns, scales over them for 256 ([`Q5K`](struct@Q5K)).
        Q5K,
        /// Six bits, scales for 16 and 256 columns ([`Q6K`](struct@Q6K)).
        Q6K,
    }
    float {
        /// Single precision ([`F32`](struct@F32)).
        F32,
        /// Half precision ([`F16`](struct@F16)).
        F16,
        /// Brain floats ([`BF16`](struct@BF16)).
        BF16,
    }
}
