//! Quantization of activations: to int8 with one scale for each token ([`Int8Rows`]) or for each block of columns
//! ([`BlockRows`]), and to int16 with one for each 256 columns ([`Int16Rows`]).
//!
//! What belongs here: the formulas, their results, and [`ActivationRows`], which computes each at most once. What
//! does not: quantization of weights ([`crate::packing`]) and products ([`crate::product::ternary`]).
//!
//! All round half to even. A row of codes is padded with zeros to a multiple of 256, so that kernels read whole
//! blocks.

mod blocks;
mod int16;
mod order;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use once_cell::race::OnceBox;

use crate::machine::Machine;
use crate::simd::{Kernel, Simd, Vector};
use trine_memory::{Buffer, product_of};

pub use blocks::{BlockRows, BlockRule, GROUP_FLOOR};
pub use int16::{INT16_FLOOR, INT16_MAX, Int16Rows};
pub(crate) use order::ColumnOrder;
use order::Orders;

/// Columns that rows of codes are padded to a multiple of, and that share a sum.
pub const BLOCK: usize = 256;

/// Values that are worth a thread: a few microseconds of work.
const LEAST_VALUES: usize = 1 << 14;

/// The least absolute maximum of a row that [`Int8Rows`] divides by.
pub const ABSMAX_FLOOR: f32 = 1e-5;

/// Rows of activations (one for each token) in f32, with their quantized forms, which are computed when first needed
/// and then shared: the query, key and value projections quantize their input once.
#[derive(Debug)]
pub struct ActivationRows {
    values: Buffer<f32>,
    rows: usize,
    cols: usize,
    int8: OnceBox<Int8Rows>,
    blocks: [OnceBox<BlockRows>; BlockRule::ALL.len()],
    int16: OnceBox<Int16Rows>,
}

impl ActivationRows {
    /// Rows of `cols` values each, row after row.
    ///
    /// # Panics
    /// If `cols` is 0 or does not divide the number of values.
    pub fn new(cols: usize, values: impl Into<Buffer<f32>>) -> Self {
        let values = values.into();
        assert!(cols > 0 && values.len().is_multiple_of(cols), "{} values are not rows of {cols}", values.len());
        let rows = values.len() / cols;
        let blocks = BlockRule::ALL.map(|_| OnceBox::new());
        ActivationRows { values, rows, cols, int8: OnceBox::new(), blocks, int16: OnceBox::new() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values of a row.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, row after row, without the quantized forms.
    pub fn into_values(self) -> Buffer<f32> {
        self.values
    }

    /// The rows quantized with one scale each.
    pub fn int8(&self, cpu: &Machine) -> &Int8Rows {
        self.int8.get_or_init(|| Box::new(Int8Rows::quantize(cpu, self.cols, &self.values)))
    }

    /// The rows quantized by a rule with one scale for each block of columns.
    ///
    /// # Panics
    /// If [`ActivationRows::cols`] is not a multiple of the rule's block.
    pub fn blocks(&self, cpu: &Machine, rule: BlockRule) -> &BlockRows {
        self.blocks[rule as usize].get_or_init(|| Box::new(BlockRows::quantize(cpu, self.cols, &self.values, rule)))
    }

    /// The rows quantized to sixteen bits.
    pub fn int16(&self, cpu: &Machine) -> &Int16Rows {
        self.int16.get_or_init(|| Box::new(Int16Rows::quantize(cpu, self.cols, &self.values)))
    }
}

/// Codes of rows and the sums of their blocks.
#[derive(Debug)]
pub struct QuantizedRows {
    rows: usize,
    stride: usize,
    block: usize,
    codes: Vec<i8>,
    block_sums: Vec<i32>,
    orders: Orders,
}

impl QuantizedRows {
    fn zeros(rows: usize, cols: usize, block: usize) -> Self {
        let stride = cols.next_multiple_of(BLOCK);
        QuantizedRows {
            rows,
            stride,
            block,
            codes: vec![0; product_of(&[rows, stride])],
            block_sums: vec![0; rows * (stride / block)],
            orders: Orders::default(),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Codes of a row, padding included: a multiple of 256.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All codes, row after row.
    pub fn codes(&self) -> &[i8] {
        &self.codes
    }

    /// All codes, row after row, each 128 of them in the order in which a packing has their columns.
    pub(crate) fn in_order(&self, cpu: &Machine, order: ColumnOrder) -> &[i8] {
        self.orders.get(cpu, order, &self.codes)
    }

    /// Codes of a block.
    pub fn block(&self) -> usize {
        self.block
    }

    /// The sum of the codes of each block, row after row.
    pub fn block_sums(&self) -> &[i32] {
        &self.block_sums
    }

    /// For each row its codes and the sums of its blocks.
    fn rows_mut(&mut self) -> impl Iterator<Item = (&mut [i8], &mut [i32])> {
        self.codes.chunks_exact_mut(self.stride).zip(self.block_sums.chunks_exact_mut(self.stride / self.block))
    }
}

/// Rows quantized with one scale each, as BitNet is trained: `s = 127 / max(absmax(x), 1e-5)`,
/// `q = clamp(round(x * s), -128, 127)`, in f32. The value of `q` is `q / s`.
///
/// Source: BitNet b1.58 (arXiv 2402.17764, section 2); `ActQuant` of HF transformers' `integrations/bitnet.py`.
#[derive(Debug)]
pub struct Int8Rows {
    quantized: QuantizedRows,
    scales: Vec<f32>,
    sums: Vec<i32>,
}

impl Int8Rows {
    /// Quantizes rows of `cols` values. A row with a NaN has `s = NaN`, one with an infinity `s = 0` and codes 0, so
    /// that products with them are NaN.
    pub fn quantize(cpu: &Machine, cols: usize, values: &[f32]) -> Self {
        let rows = values.len() / cols;
        let mut quantized = QuantizedRows::zeros(rows, cols, BLOCK);
        let mut scales = vec![0.0; rows];
        let mut sums = vec![0; rows];
        let mut work: Vec<_> =
            values.chunks_exact(cols).zip(quantized.rows_mut()).zip(scales.iter_mut().zip(&mut sums)).collect();
        cpu.for_each_by(&mut work, LEAST_VALUES.div_ceil(cols), |_, ((values, (codes, block_sums)), (scale, sum))| {
            let found = cpu.isa().run(QuantizeInt8 { values, codes, block_sums });
            **scale = if has_nan(values) { f32::NAN } else { found };
            **sum = block_sums.iter().sum();
        });
        Int8Rows { quantized, scales, sums }
    }

    /// Codes and sums of blocks.
    pub fn quantized(&self) -> &QuantizedRows {
        &self.quantized
    }

    /// The scale `s` of each row.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The sum of the codes of each row.
    pub fn sums(&self) -> &[i32] {
        &self.sums
    }
}

/// Whether a value is NaN: it must reach the logits and not pass for a zero.
fn has_nan(values: &[f32]) -> bool {
    values.iter().fold(false, |found, value| found | value.is_nan())
}

/// `x` rounded to the nearest integer, halves to even, for `|x|` up to 2^22: adding 1.5 * 2^23 leaves no bits for a
/// fraction. A NaN becomes 0.
#[inline(always)]
pub(crate) fn round(x: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    let x = if x.is_nan() { 0.0 } else { x };
    (x + SHIFT).to_bits() as i32 - SHIFT.to_bits() as i32
}

/// The largest magnitude; NaN is passed over.
#[inline(always)]
fn absmax(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 32];
    let (chunks, rest) = values.as_chunks::<32>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            // A comparison with NaN is false.
            *lane = if value.abs() > *lane { value.abs() } else { *lane };
        }
    }
    rest.iter().chain(&lanes).fold(0.0, |max, value| if value.abs() > max { value.abs() } else { max })
}

/// Writes `clamp(round(x * factor), -128, 127)` of each value; returns the sum of the codes.
#[inline(always)]
fn quantize_codes(values: &[f32], factor: f32, codes: &mut [i8]) -> i32 {
    let mut sum = 0;
    for (code, value) in codes.iter_mut().zip(values) {
        let rounded = round(value * factor).clamp(-128, 127);
        *code = rounded as i8;
        sum += rounded;
    }
    sum
}

/// One row of [`Int8Rows`]; returns the scale.
struct QuantizeInt8<'a> {
    values: &'a [f32],
    codes: &'a mut [i8],
    block_sums: &'a mut [i32],
}

impl Kernel for QuantizeInt8<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) -> f32 {
        let scale = 127.0 / absmax(self.values).max(ABSMAX_FLOOR);
        let blocks = self.values.chunks(BLOCK).zip(self.codes.chunks_mut(BLOCK));
        for ((values, codes), sum) in blocks.zip(self.block_sums) {
            *sum = quantize_codes(values, scale, codes);
        }
        scale
    }
}
