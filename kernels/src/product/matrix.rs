//! A weight matrix whose packing is known at run time, and its product with activations.
//!
//! What belongs here: the choice among packings and activation modes. What does not: layouts ([`crate::packing`]) and
//! arithmetic ([`crate::product::ternary`], [`crate::product::dense`]).

mod from_float;
#[macro_use]
mod kinds;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

pub use kinds::{AnyPacked, PackingKind};

use crate::activations::{ActivationRows, BlockRule};
use crate::machine::Machine;
use crate::machine::outputs::Output;
use crate::packing::{
    Coded, I2S, PackScales, Packed, Packing, PackingError, Runs, ScaleGroup, Scales, TernaryLayout, Tq2_0, Unpacked,
    WeightScale, ZERO_CODE,
};
use crate::product::dense;
use crate::product::ternary::{self, Terms, Triples};
use trine_memory::{Buffer, product_of};

/// What the activations of a product become before they meet the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivationMode {
    /// Int8 with one scale for each token, as BitNet is trained. For ternary matrices.
    Int8PerToken,
    /// Int8 with one scale for each 256 columns, as llama.cpp does for TQ1_0 and TQ2_0. For ternary matrices whose
    /// columns are a multiple of 256.
    Q8K,
    /// 16-bit integers with one scale for each 256 columns, which deviate by at most 1.6e-5 of the largest magnitude of
    /// their 256 ([`Int16Rows`](crate::activations::Int16Rows)). For quantized dense matrices.
    Int16,
    /// Int8 with one scale for each group of columns that has a scale in the matrix. For matrices whose groups have 64
    /// or 128 columns.
    Int8PerGroup,
    /// Int8 with one scale for each 32 columns, as llama.cpp does for Q1_0 and Q2_0; to compare with it, as it is slow
    /// here. For ternary and binary matrices whose columns are a multiple of 32.
    Q8_0,
    /// Nothing: weights are decoded to f32. For every matrix.
    F32,
}

impl fmt::Display for ActivationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ActivationMode::Int8PerToken => "int8",
            ActivationMode::Q8K => "q8_k",
            ActivationMode::Int8PerGroup => "int8-group",
            ActivationMode::Q8_0 => "q8_0",
            ActivationMode::Int16 => "int16",
            ActivationMode::F32 => "f32",
        })
    }
}

/// A checked `[rows, cols]` weight matrix, what its products do with activations, and the bias that they add. Clones
/// share the weights.
#[derive(Debug, Clone)]
pub struct Matrix {
    packed: AnyPacked,
    mode: ActivationMode,
    /// One value for each row.
    bias: Option<Arc<[f32]>>,
    /// What products of few tokens read instead.
    triples: Option<Triples>,
}

impl From<AnyPacked> for Matrix {
    fn from(packed: AnyPacked) -> Self {
        let mode = by_family!(&packed, coded(packed) => match packed.group_rule() {
            Some(_) => ActivationMode::Int8PerGroup,
            None => ActivationMode::Int8PerToken,
        }, quantized(_p) => ActivationMode::Int16, float(_p) => ActivationMode::F32);
        Matrix { packed, mode, bias: None, triples: None }
    }
}

impl Matrix {
    /// Checks `bytes` as a matrix of the packing `kind`, without copying it. Matrices with a scale for 64 or 128
    /// columns start in [`ActivationMode::Int8PerGroup`], others of codes in [`ActivationMode::Int8PerToken`],
    /// quantized dense ones in [`ActivationMode::Int16`], floats in [`ActivationMode::F32`].
    ///
    /// # Errors
    /// As [`Packed::new`].
    pub fn new(kind: PackingKind, rows: usize, cols: usize, bytes: Bytes) -> Result<Matrix, PackingError> {
        AnyPacked::new(kind, rows, cols, bytes).map(Matrix::from)
    }

    /// Repacks a matrix of a layout that kernels do not read: as I2_S where it has one scale, those of zeros aside, and
    /// as TQ2_0 where there are several. Codes stay as they are, and scales of weights that are not zero.
    ///
    /// # Errors
    /// A [`PackingError`]: dimensions that the layout does not have, a wrong length, a code or a scale that is not
    /// valid; [`PackingError::RowScales`] where scales differ and TQ2_0 cannot hold them.
    pub fn repack(layout: TernaryLayout, rows: usize, cols: usize, bytes: &[u8]) -> Result<Matrix, PackingError> {
        let Unpacked { codes, scales, run } = layout.unpack(rows, cols, bytes)?;
        let runs = Runs { codes: &codes, scales: &scales, run };
        if let Ok(scale) = runs.of_all() {
            return Packed::<I2S>::pack(rows, cols, &codes, PackScales::One(scale)).map(Matrix::from);
        }
        let refused = |found| PackingError::RowScales { packing: layout.name(), cols, found };
        if !cols.is_multiple_of(Tq2_0::BLOCK) {
            return Err(refused(scales[0]));
        }
        let of_blocks = runs.of_blocks(Tq2_0::BLOCK).map_err(|[_, found]| refused(found))?;
        let exact = |scale: f32| half::f16::from_f32(scale).to_f32() == scale;
        if let Some(&found) = of_blocks.iter().find(|&&scale| !exact(scale)) {
            return Err(refused(found));
        }
        Packed::<Tq2_0>::pack(rows, cols, &codes, PackScales::Blocks(&of_blocks)).map(Matrix::from)
    }

    /// The same matrix with another activation mode.
    ///
    /// # Errors
    /// [`PackingError::ActivationMode`] where the matrix does not have it: int8 modes are for ternary and binary
    /// matrices, [`ActivationMode::Q8K`] needs columns in whole blocks of 256 and [`ActivationMode::Q8_0`] of 32,
    /// [`ActivationMode::Int8PerGroup`] a scale for 64 or 128 columns, and [`ActivationMode::Int16`] is for quantized
    /// dense ones.
    pub fn with_activation_mode(self, mode: ActivationMode) -> Result<Matrix, PackingError> {
        let of_blocks = |rule: BlockRule| self.has_codes() && self.cols().is_multiple_of(rule.block());
        let possible = match mode {
            ActivationMode::F32 => true,
            ActivationMode::Int8PerToken => self.has_codes(),
            ActivationMode::Q8K => of_blocks(BlockRule::Q8K),
            ActivationMode::Q8_0 => of_blocks(BlockRule::Q8_0),
            ActivationMode::Int8PerGroup => {
                by_family!(&self.packed, coded(packed) => packed.group_rule().is_some(), dense(_p) => false)
            }
            ActivationMode::Int16 => {
                by_family!(&self.packed, coded(_p) => false, quantized(_p) => true, float(_p) => false)
            }
        };
        if possible {
            let triples = self.triples.filter(|_| mode != ActivationMode::F32);
            return Ok(Matrix { mode, triples, ..self });
        }
        let (packing, cols) = (self.kind().name(), self.cols());
        Err(PackingError::ActivationMode { packing, cols, mode: mode.to_string() })
    }

    /// The same matrix times `scale`, which products apply last, before a bias: `y = (W x) * scale + bias`.
    ///
    /// # Errors
    /// [`PackingError::Multiplier`] where it has a scale already and their product is not finite.
    pub fn with_multiplier(self, scale: WeightScale) -> Result<Matrix, PackingError> {
        Ok(Matrix { packed: self.packed.with_multiplier(scale)?, ..self })
    }

    /// The same matrix, whose products add `bias`.
    ///
    /// # Panics
    /// If there are more or less values than rows.
    pub fn with_bias(self, bias: Box<[f32]>) -> Matrix {
        assert_eq!(bias.len(), self.rows(), "one value of the bias for each row");
        Matrix { bias: Some(bias.into()), ..self }
    }

    /// The same matrix with a copy of its codes in 1.69 bits each, which products of few tokens read instead of the
    /// matrix where their instruction set can ([`Isa::reads_triples`](crate::Isa::reads_triples)) and activations have
    /// scales for 256 columns or more: the results are the same bits. There is no copy where that of `cpu` cannot, of a
    /// matrix that is not one of codes, has several scales or multiplies float activations, or where the system has
    /// no memory for it. It is made in parallel.
    ///
    /// Memory, beside that of the matrix: 54 bytes for 256 weights of a row, rows rounded up to a multiple of 64 and
    /// columns to one of 256; and in each thread that multiplies, 22 bytes for each column and token of the last
    /// activations.
    pub fn with_triples(self, cpu: &Machine) -> Matrix {
        let triples = match cpu.isa().reads_triples() && self.mode != ActivationMode::F32 {
            true => by_family!(&self.packed, coded(packed) => Triples::new(cpu, packed), dense(_p) => None),
            false => None,
        };
        Matrix { triples, ..self }
    }

    /// The same matrix without such a copy.
    pub fn without_triples(self) -> Matrix {
        Matrix { triples: None, ..self }
    }

    /// Whether there is such a copy.
    pub fn has_triples(&self) -> bool {
        self.triples.is_some()
    }

    /// Bytes of weights that the product of one token reads: those of the copy where there is one
    /// ([`Matrix::with_triples`]), which an instruction set without lookups does not read.
    pub fn bytes_read(&self) -> usize {
        self.triples.as_ref().map_or(self.bytes().len(), Triples::bytes)
    }

    /// What products add, one value for each row; [`Matrix::with_bias`].
    pub fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
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

    /// Whether the packing is one of codes, ternary or binary ones.
    pub fn has_codes(&self) -> bool {
        by_family!(&self.packed, coded(_p) => true, dense(_p) => false)
    }

    /// Whether the packing is ternary. A binary one, which has no weight 0, is not.
    pub fn is_ternary(&self) -> bool {
        fn has_zero<P: Coded>(_: &Packed<P>) -> bool {
            P::HAS_ZERO
        }
        by_family!(&self.packed, coded(packed) => has_zero(packed), dense(_p) => false)
    }

    /// A copy of some rows, in the order in which they are given, that multiplies as this matrix does.
    ///
    /// # Panics
    /// If a row is not below [`Matrix::rows`].
    pub fn of_rows(&self, rows: &[u32]) -> Matrix {
        let bias = self.bias.as_ref().map(|bias| rows.iter().map(|&row| bias[row as usize]).collect());
        let packed = for_any!(&self.packed, packed => packed.of_rows(rows).into());
        Matrix { packed, mode: self.mode, bias, triples: None }
    }

    /// Decodes one row to f32, the multiplier included.
    ///
    /// # Panics
    /// If `row` is not below [`Matrix::rows`] or `out` does not have [`Matrix::cols`] elements.
    pub fn decode_row(&self, row: usize, out: &mut [f32]) {
        for_any!(&self.packed, packed => packed.decode_row(row, out));
    }

    /// The one scale of a ternary or binary matrix, the multiplier included; `None` where there is not just one.
    pub fn scale(&self) -> Option<f32> {
        by_family!(&self.packed, coded(packed) => match packed.shared() {
            Scales::Tensor(scale) => Some(scale * packed.multiplier()),
            Scales::Blocks => None,
        }, dense(_p) => None)
    }

    /// The scale of each block, row by row, without the multiplier; `None` where the packing is not one of codes.
    pub fn scales(&self) -> Option<Vec<f32>> {
        by_family!(&self.packed, coded(packed) => Some(packed.scales()), dense(_p) => None)
    }

    /// The codes of one row (0, 1 and 2 for -1, 0 and +1 times a scale); nothing is written where the packing is not
    /// one of codes.
    ///
    /// # Panics
    /// If `row` is not below [`Matrix::rows`] or `out` does not have [`Matrix::cols`] elements.
    pub fn row_codes(&self, row: usize, out: &mut [u8]) {
        by_family!(&self.packed, coded(packed) => packed.row_codes(row, out), dense(_p) => ());
    }

    /// The same weights in another packing of codes, exactly, with the same multiplier and bias, in the activation mode
    /// that such matrices start in.
    ///
    /// # Errors
    /// As [`AnyPacked::convert`].
    pub fn convert(&self, kind: PackingKind) -> Result<Matrix, PackingError> {
        Ok(Matrix { bias: self.bias.clone(), ..Matrix::from(self.packed.convert(kind)?) })
    }

    /// The share of weights that are 0, from 0 to 1. Reads the whole matrix.
    pub fn share_of_zeros(&self) -> f64 {
        let zeros = by_family!(&self.packed, coded(packed) => count_zero_codes(packed), dense(packed) => {
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

impl<P: Coded> Packed<P> {
    /// How activations are quantized for [`ActivationMode::Int8PerGroup`], where the groups of the matrix have a length
    /// for that.
    fn group_rule(&self) -> Option<BlockRule> {
        let rule = match P::Group::COLUMNS? {
            64 => BlockRule::Groups64,
            128 => BlockRule::Groups128,
            _ => return None,
        };
        self.cols().is_multiple_of(rule.block()).then_some(rule)
    }

    /// How activations are quantized in a mode with a scale for each block of columns.
    fn rule_of(&self, mode: ActivationMode) -> Option<BlockRule> {
        match mode {
            ActivationMode::Q8K => Some(BlockRule::Q8K),
            ActivationMode::Q8_0 => Some(BlockRule::Q8_0),
            ActivationMode::Int8PerGroup => self.group_rule(),
            ActivationMode::Int8PerToken | ActivationMode::Int16 | ActivationMode::F32 => None,
        }
    }
}

fn count_zero_codes<P: Coded>(packed: &Packed<P>) -> usize {
    let mut codes = vec![0; packed.cols()];
    let zeros_of_row = |row| {
        packed.row_codes(row, &mut codes);
        codes.iter().filter(|&&code| code == ZERO_CODE).count()
    };
    (0..packed.rows()).map(zeros_of_row).sum()
}

impl Machine {
    /// The product of a matrix with rows of activations, and its bias: `y[t, r] = W[r] . x[t] + bias[r]`, in the
    /// activation mode of the matrix.
    ///
    /// Shapes: `x` is `[tokens, cols]`, `y` is `[tokens, rows]`. The order of operations is that of
    /// [`crate::product::ternary`] for the int8 modes and of [`crate::product::dense`] for the others; the bias is
    /// added last, in f32. One token or many give the same bits.
    ///
    /// # Panics
    /// If `x` has another number of columns than the matrix, or `y` has another length than `tokens * rows`.
    pub fn matmul(&self, x: &ActivationRows, matrix: &Matrix, y: &mut [f32]) {
        self.write_products(x, matrix, Output::over(y));
        self.add_bias(matrix, y);
    }

    /// The outputs of [`Machine::matmul`] in new memory.
    ///
    /// # Panics
    /// If `x` has another number of columns than the matrix.
    pub fn products(&self, x: &ActivationRows, matrix: &Matrix) -> Buffer<f32> {
        let outputs = product_of(&[x.rows(), matrix.rows()]);
        // SAFETY: there is one output for each token and row. Chunks cover all rows, and for its rows each kernel goes
        // over all tokens.
        let mut y = unsafe { self.filled(outputs, |y| self.write_products(x, matrix, y)) };
        self.add_bias(matrix, &mut y);
        y
    }

    /// Writes each of the outputs of [`Machine::matmul`], without the bias.
    fn write_products(&self, x: &ActivationRows, matrix: &Matrix, y: &mut [Output]) {
        assert_eq!(x.cols(), matrix.cols(), "columns of the activations and of the matrix");
        assert_eq!(y.len(), x.rows() * matrix.rows(), "one output for each token and row");
        by_family!(&matrix.packed, coded(packed) => match matrix.mode {
            ActivationMode::Int8PerToken => {
                let terms = Terms::int8(self, x.int8(self), packed);
                ternary::product(self, packed, matrix.triples.as_ref(), &terms, y);
            }
            mode => match packed.rule_of(mode) {
                Some(rule) => {
                    let terms = Terms::blocks(self, x.blocks(self, rule), packed);
                    ternary::product(self, packed, matrix.triples.as_ref(), &terms, y);
                }
                None => dense::product(self, x.values(), packed, y),
            },
        }, quantized(packed) => match matrix.mode {
            ActivationMode::Int16 => dense::int16_product(self, x.int16(self), packed, y),
            _ => dense::product(self, x.values(), packed, y),
        }, float(packed) => dense::product(self, x.values(), packed, y));
    }

    fn add_bias(&self, matrix: &Matrix, y: &mut [f32]) {
        if let Some(bias) = &matrix.bias {
            let mut rows: Vec<_> = y.chunks_exact_mut(bias.len()).collect();
            self.for_each_by(&mut rows, 16, |_, row| row.iter_mut().zip(bias.iter()).for_each(|(y, bias)| *y += bias));
        }
    }
}
