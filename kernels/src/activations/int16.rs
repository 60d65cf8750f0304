//! Quantization of activations to sixteen bits, for quantized dense matrices.

use alloc::vec::Vec;

use super::{BLOCK, LEAST_VALUES, absmax, has_nan, round};
use crate::machine::Machine;
use crate::simd::{Kernel, Simd, Vector};
use trine_memory::product_of;

/// The largest code: `127 * 255 + 127`, so that a code is `255 * high + low` with both parts in -127..=127.
pub const INT16_MAX: i16 = 32512;

/// Blocks whose largest magnitude is below this are zeros.
pub const INT16_FLOOR: f32 = 1e-30;

/// Rows quantized with one scale for each 256 columns (the last block may be shorter): `m = max |x|`,
/// `q = round(x * (32512 / m))`, halves to even, in f32; the value of `q` is `q * s` with `s = m / 32512`.
///
/// So a value is off by at most `m / 65024`, and by a rounding of f32. A block with `m < 1e-30` has codes and scale 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Int16Rows {
    rows: usize,
    stride: usize,
    codes: Vec<i16>,
    scales: Vec<f32>,
}

impl Int16Rows {
    /// Quantizes rows of `cols` values. A block with a NaN has `s = NaN`, one with an infinity `s` infinite and codes
    /// 0, so that products with them are NaN.
    pub fn quantize(cpu: &Machine, cols: usize, values: &[f32]) -> Self {
        let rows = values.len() / cols;
        let stride = cols.next_multiple_of(BLOCK);
        let mut codes = vec![0; product_of(&[rows, stride])];
        let mut scales = vec![0.0; rows * stride / BLOCK];
        let quantized = codes.chunks_exact_mut(stride).zip(scales.chunks_exact_mut(stride / BLOCK));
        let mut work: Vec<_> = values.chunks_exact(cols).zip(quantized).collect();
        cpu.for_each_by(&mut work, LEAST_VALUES.div_ceil(cols), |_, (values, (codes, scales))| {
            cpu.isa().run(QuantizeInt16 { values, codes, scales });
        });
        Int16Rows { rows, stride, codes, scales }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Codes of a row, zeros at the end included: a multiple of 256.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All codes, row after row.
    pub fn codes(&self) -> &[i16] {
        &self.codes
    }

    /// The scale `s` of each block, row after row.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }
}

/// One row of [`Int16Rows`].
struct QuantizeInt16<'a> {
    values: &'a [f32],
    codes: &'a mut [i16],
    scales: &'a mut [f32],
}

impl Kernel for QuantizeInt16<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        let blocks = self.values.chunks(BLOCK).zip(self.codes.chunks_mut(BLOCK));
        for ((values, codes), scale) in blocks.zip(self.scales) {
            let largest = absmax(values);
            if largest >= INT16_FLOOR {
                let factor = f32::from(INT16_MAX) / largest;
                for (code, value) in codes.iter_mut().zip(values) {
                    *code = round(value * factor) as i16;
                }
                *scale = largest / f32::from(INT16_MAX);
            }
            *scale = if has_nan(values) { f32::NAN } else { *scale };
        }
    }
}
