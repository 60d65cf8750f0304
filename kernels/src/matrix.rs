//! A weight matrix whose packing is known at run time, and its product with activations.
//!
//! What belongs here: the choice among packings and activation modes. What does not: layouts ([`crate::packing`]) and
//! arithmetic ([`crate::ternary`], [`crate::dense`]).

mod from_float;
#[cfg(test)]
mod tests;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::cpu::Cpu;
use crate::dense;
use crate::packing::{
    BF16, F16, F32, I2S, PackScales, Packed, Packing, PackingError, Q4_0, Q4_1, Q6K, Q8_0, Scales, Ternary,
    TernaryLayout, Tq1_0, Tq2_0, Unpacked, WeightScale, ZERO_CODE,
};
use crate::quantize::{self, ActivationRows};
use crate::ternary::{self, Terms};

/// What the activations of a product become before they meet the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivationMode {
    /// Int8 with one scale for each token, as BitNet is trained. For ternary matrices.
    Int8PerToken,
    /// Int8 with one scale for each 256 columns, as llama.cpp does for TQ1_0 and TQ2_0. For ternary matrices whose
    /// columns are a multiple of 256.
    Q8K,
    /// 16-bit integers with one scale for each 256 columns, which deviate by at most 1.6e-5 of the largest magnitude of
    /// their 256 ([`Int16Rows`](crate::quantize::Int16Rows)). For Q8_0, Q4_0, Q4_1 and Q6_K.
    Int16,
    /// Nothing: weights are decoded to f32. For every matrix.
    F32,
}

impl fmt::Display for ActivationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ActivationMode::Int8PerToken => "int8",
            ActivationMode::Q8K => "q8_k",
            ActivationMode::Int16 => "int16",
            ActivationMode::F32 => "f32",
        })
    }
}

/// Defines [`PackingKind`] and [`AnyPacked`] with one variant for each packing, named as its type.
macro_rules! packings {
    ($($(#[$doc:meta])* $packing:ident),+ $(,)?) => {
        /// The packings, for choice at run time.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, reason = "variants are named as their types, which are named as GGUF names them")]
        pub enum PackingKind { $($(#[$doc])* $packing),+ }

        impl PackingKind {
            /// The name in lower case, as GGUF tools spell it.
            pub fn name(self) -> &'static str {
                match self { $(PackingKind::$packing => <$packing as crate::packing::Packing>::NAME),+ }
            }
        }

        /// A packed matrix of any packing.
        #[derive(Debug, Clone)]
        #[allow(non_camel_case_types, reason = "variants are named as their types, which are named as GGUF names them")]
        pub enum AnyPacked { $($(#[$doc])* $packing(Packed<$packing>)),+ }

        impl AnyPacked {
            fn new(kind: PackingKind, rows: usize, cols: usize, bytes: Bytes) -> Result<Self, PackingError> {
                Ok(match kind { $(PackingKind::$packing => Packed::<$packing>::new(rows, cols, bytes)?.into()),+ })
            }

            fn kind(&self) -> PackingKind {
                match self { $(AnyPacked::$packing(_) => PackingKind::$packing),+ }
            }

            fn with_multiplier(self, scale: WeightScale) -> Result<Self, PackingError> {
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
    /// Ternary, four codes a byte, one scale ([`I2S`](struct@I2S)).
    I2S,
    /// Ternary, five codes a byte, a scale for 256 columns ([`Tq1_0`](struct@Tq1_0)).
    Tq1_0,
    /// Ternary, four codes a byte, a scale for 256 columns ([`Tq2_0`](struct@Tq2_0)).
    Tq2_0,
    /// Single precision ([`F32`](struct@F32)).
    F32,
    /// Half precision ([`F16`](struct@F16)).
    F16,
    /// Brain floats ([`BF16`](struct@BF16)).
    BF16,
    /// Eight bits, a scale for 32 columns ([`Q8_0`](struct@Q8_0)).
    Q8_0,
    /// Four bits, a scale for 32 columns ([`Q4_0`](struct@Q4_0)).
    Q4_0,
    /// Four bits, a scale and a minimum for 32 columns ([`Q4_1`](struct@Q4_1)).
    Q4_1,
    /// Six bits, scales for 16 and 256 columns ([`Q6K`](struct@Q6K)).
    Q6K,
}

/// Evaluates an expression with `$packed` bound to a ternary matrix, others with the name bound to a quantized or float
/// one, or one for both of these.
macro_rules! by_family {
    ($any:expr, ternary($packed:ident) => $ternary:expr, dense($dense:ident) => $dense_body:expr) => {
        by_family!($any, ternary($packed) => $ternary, quantized($dense) => $dense_body, float($dense) => $dense_body)
    };
    (
        $any:expr, ternary($packed:ident) => $ternary:expr, quantized($quantized:ident) => $quantized_body:expr,
        float($float:ident) => $float_body:expr
    ) => {
        match $any {
            AnyPacked::I2S($packed) => $ternary,
            AnyPacked::Tq1_0($packed) => $ternary,
            AnyPacked::Tq2_0($packed) => $ternary,
            AnyPacked::F32($float) => $float_body,
            AnyPacked::F16($float) => $float_body,
            AnyPacked::BF16($float) => $float_body,
            AnyPacked::Q8_0($quantized) => $quantized_body,
            AnyPacked::Q4_0($quantized) => $quantized_body,
            AnyPacked::Q4_1($quantized) => $quantized_body,
            AnyPacked::Q6K($quantized) => $quantized_body,
        }
    };
}

/// A checked `[rows, cols]` weight matrix, and what its products do with activations. Clones share the weights.
#[derive(Debug, Clone)]
pub struct Matrix {
    packed: AnyPacked,
    mode: ActivationMode,
}

impl From<AnyPacked> for Matrix {
    fn from(packed: AnyPacked) -> Self {
        let mode = by_family!(
            &packed, ternary(_p) => ActivationMode::Int8PerToken, quantized(_p) => ActivationMode::Int16,
            float(_p) => ActivationMode::F32
        );
        Matrix { packed, mode }
    }
}

impl Matrix {
    /// Checks `bytes` as a matrix of the packing `kind`, without copying it. Ternary matrices start in
    /// [`ActivationMode::Int8PerToken`], Q8_0, Q4_0, Q4_1 and Q6_K in [`ActivationMode::Int16`], floats in
    /// [`ActivationMode::F32`].
    ///
    /// # Errors
    /// As [`Packed::new`].
    pub fn new(kind: PackingKind, rows: usize, cols: usize, bytes: Bytes) -> Result<Matrix, PackingError> {
        AnyPacked::new(kind, rows, cols, bytes).map(Matrix::from)
    }

    /// Repacks a matrix of a layout that kernels do not read: as I2_S where its rows have one scale, rows of zeros
    /// aside, and as TQ2_0 where they differ. Codes and scales stay as they are.
    ///
    /// # Errors
    /// A [`PackingError`]: dimensions that the layout does not have, a wrong length, a code or a scale that is not
    /// valid; [`PackingError::RowScales`] where rows differ in scale and TQ2_0 cannot hold them.
    pub fn repack(layout: TernaryLayout, rows: usize, cols: usize, bytes: &[u8]) -> Result<Matrix, PackingError> {
        let Unpacked { codes, scales } = layout.unpack(rows, cols, bytes)?;
        let is_zero = |row: usize| codes[row * cols..(row + 1) * cols].iter().all(|&code| code == ZERO_CODE);
        let mut of_weights = (0..rows).filter(|&row| !is_zero(row)).map(|row| scales[row]);
        let first = of_weights.next().unwrap_or(0.0);
        if of_weights.all(|scale| scale == first) {
            return Packed::<I2S>::pack(rows, cols, &codes, PackScales::One(first)).map(Matrix::from);
        }
        let blocks = cols / Tq2_0::BLOCK;
        let of_blocks: Vec<f32> = scales.iter().flat_map(|&scale| core::iter::repeat_n(scale, blocks)).collect();
        let exact = |scale: &f32| half::f16::from_f32(*scale).to_f32() == *scale;
        let inexact = scales.iter().find(|scale| !exact(scale));
        if inexact.is_some() || !cols.is_multiple_of(Tq2_0::BLOCK) {
            let found = *inexact.unwrap_or(&scales[0]);
            return Err(PackingError::RowScales { packing: layout.name(), cols, found });
        }
        Packed::<Tq2_0>::pack(rows, cols, &codes, PackScales::Blocks(&of_blocks)).map(Matrix::from)
    }

    /// The same matrix with another activation mode.
    ///
    /// # Errors
    /// [`PackingError::ActivationMode`] where the matrix does not have it: int8 modes are for ternary matrices,
    /// [`ActivationMode::Q8K`] needs columns in whole blocks of 256, and [`ActivationMode::Int16`] is for Q8_0, Q4_0,
    /// Q4_1 and Q6_K.
    pub fn with_activation_mode(self, mode: ActivationMode) -> Result<Matrix, PackingError> {
        let possible = match mode {
            ActivationMode::F32 => true,
            ActivationMode::Int8PerToken => self.is_ternary(),
            ActivationMode::Q8K => self.is_ternary() && self.cols().is_multiple_of(quantize::BLOCK),
            ActivationMode::Int16 => {
                by_family!(&self.packed, ternary(_p) => false, quantized(_p) => true, float(_p) => false)
            }
        };
        if possible {
            return Ok(Matrix { mode, ..self });
        }
        let (packing, cols) = (self.kind().name(), self.cols());
        Err(PackingError::ActivationMode { packing, cols, mode: mode.to_string() })
    }

    /// The same matrix times `scale`, which products apply last: `y = (W x) * scale`.
    ///
    /// # Errors
    /// [`PackingError::Multiplier`] where it has a scale already and their product is not finite.
    pub fn with_multiplier(self, scale: WeightScale) -> Result<Matrix, PackingError> {
        Ok(Matrix { packed: self.packed.with_multiplier(scale)?, mode: self.mode })
    }

    /// Number of rows: outputs of the product.
    pub fn rows(&self) -> usize {
        for_any!(&self.packed, packed => packed.rows())
    }

    /// Number of columns: inputs of the product.
    pub fn cols(&self) -> usize {
        for_any!(&self.packed, packed => packed.cols())
    }

    /// The packing.
    pub fn kind(&self) -> PackingKind {
        self.packed.kind()
    }

    /// The packed bytes, a trailer included.
    pub fn bytes(&self) -> &Bytes {
        for_any!(&self.packed, packed => packed.bytes())
    }

    /// The matrix of its packing.
    pub fn packed(&self) -> &AnyPacked {
        &self.packed
    }

    /// What products do with activations.
    pub fn activation_mode(&self) -> ActivationMode {
        self.mode
    }

    /// Whether the packing is ternary.
    pub fn is_ternary(&self) -> bool {
        by_family!(&self.packed, ternary(_p) => true, dense(_p) => false)
    }

    /// Decodes one row to f32, the multiplier included.
    ///
    /// # Panics
    /// If `row` is not below [`Matrix::rows`] or `out` does not have [`Matrix::cols`] elements.
    pub fn decode_row(&self, row: usize, out: &mut [f32]) {
        for_any!(&self.packed, packed => packed.decode_row(row, out));
    }

    /// The one scale of a ternary matrix, the multiplier included; `None` where there is not just one.
    pub fn scale(&self) -> Option<f32> {
        by_family!(&self.packed, ternary(packed) => match packed.shared() {
            Scales::Tensor(scale) => Some(scale * packed.multiplier()),
            Scales::Blocks => None,
        }, dense(_p) => None)
    }

    /// The share of weights that are 0, from 0 to 1. Reads the whole matrix.
    pub fn share_of_zeros(&self) -> f64 {
        let zeros = by_family!(&self.packed, ternary(packed) => count_zero_codes(packed), dense(packed) => {
            let mut values = vec![0.0; packed.cols()];
            let zeros_of_row = |row| {
                packed.decode_row(row, &mut values);
                values.iter().filter(|&&value| value == 0.0).count()
            };
            (0..packed.rows()).map(zeros_of_row).sum::<usize>()
        });
        zeros as f64 / (self.rows() as f64 * self.cols() as f64)
    }
}

fn count_zero_codes<P: Ternary>(packed: &Packed<P>) -> usize {
    let mut codes = vec![0; packed.cols()];
    let zeros_of_row = |row| {
        packed.row_codes(row, &mut codes);
        codes.iter().filter(|&&code| code == ZERO_CODE).count()
    };
    (0..packed.rows()).map(zeros_of_row).sum()
}

impl Cpu {
    /// The product of a matrix with rows of activations: `y[t, r] = W[r] . x[t]`, in the matrix' activation mode.
    ///
    /// Shapes: `x` is `[tokens, cols]`, `y` is `[tokens, rows]`. The order of operations is that of [`crate::ternary`]
    /// for the int8 modes and of [`crate::dense`] for the others. One token or many give the same bits.
    ///
    /// # Panics
    /// If `x` has another number of columns than the matrix, or `y` has another length than `tokens * rows`.
    pub fn matmul(&self, x: &ActivationRows, matrix: &Matrix, y: &mut [f32]) {
        assert_eq!(x.cols(), matrix.cols(), "columns of the activations and of the matrix");
        assert_eq!(y.len(), x.rows() * matrix.rows(), "one output for each token and row");
        by_family!(&matrix.packed, ternary(packed) => match matrix.mode {
            ActivationMode::Int8PerToken => ternary::product(self, packed, &Terms::int8(x.int8(self), packed), y),
            ActivationMode::Q8K => ternary::product(self, packed, &Terms::q8k(x.q8k(self), packed), y),
            _ => dense::product(self, x.values(), packed, y),
        }, quantized(packed) => match matrix.mode {
            ActivationMode::Int16 => dense::int16_product(self, x.int16(self), packed, y),
            _ => dense::product(self, x.values(), packed, y),
        }, float(packed) => dense::product(self, x.values(), packed, y));
    }
}
