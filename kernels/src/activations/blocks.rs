//! Quantization of activations to int8 with one scale for each block of columns.
//!
//! What belongs here: the rules, their blocks and scales. What does not: which rule the products of a matrix take
//! ([`crate::product::matrix`]).

use alloc::vec::Vec;

use half::f16;

use super::{LEAST_VALUES, QuantizedRows, absmax, has_nan, quantize_codes};
use crate::machine::Machine;
use crate::simd::{Kernel, Simd, Vector};

/// Blocks of [`BlockRule::Groups64`] and [`BlockRule::Groups128`] whose largest magnitude is below this are zeros.
pub const GROUP_FLOOR: f32 = 1e-30;

/// How the codes and the scale of a block come from its values. The value of a code `q` is `q * d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockRule {
    /// 256 columns: `m` is the value of largest magnitude with its sign (the first of equals), `i = -127 / m`,
    /// `q = min(round(x * i), 127)`, `d = 1 / i`. A block of zeros has `d = 0`.
    ///
    /// Source: `quantize_row_q8_K_ref` of llama.cpp's `ggml-quants.c`.
    Q8K,
    /// 32 columns: `m = max |x|`, `q = round(x * (127 / m))`, `d = m / 127` rounded to f16. A block of zeros has
    /// `d = 0`.
    ///
    /// Source: `quantize_row_q8_0` of llama.cpp's `ggml-cpu/arch/x86/quants.c`.
    Q8_0,
    /// 64 columns: `m = max |x|`, `q = round(x * (127 / m))`, `d = m / 127`. A block with `m < 1e-30` has codes and
    /// `d` 0.
    Groups64,
    /// As [`BlockRule::Groups64`] for 128 columns.
    Groups128,
}

impl BlockRule {
    /// Every rule.
    pub const ALL: [BlockRule; 4] = [BlockRule::Q8K, BlockRule::Q8_0, BlockRule::Groups64, BlockRule::Groups128];

    /// Columns of a block.
    pub const fn block(self) -> usize {
        match self {
            BlockRule::Q8K => 256,
            BlockRule::Q8_0 => 32,
            BlockRule::Groups64 => 64,
            BlockRule::Groups128 => 128,
        }
    }

    /// The factor that makes codes of the values of a block, and the scale; `None` for a block of zeros.
    #[inline(always)]
    fn factor_and_scale(self, values: &[f32]) -> Option<(f32, f32)> {
        let largest = absmax(values);
        match self {
            BlockRule::Q8K => {
                let signed = values.iter().find(|value| largest > 0.0 && value.abs() == largest)?;
                let inverse = -127.0 / signed;
                Some((inverse, 1.0 / inverse))
            }
            // A magnitude so small that its inverse overflows has a scale that rounds to 0.
            BlockRule::Q8_0 => {
                let scale = f16::from_f32(largest / 127.0).to_f32();
                (scale > 0.0 && 127.0 / largest < f32::INFINITY).then_some((127.0 / largest, scale))
            }
            BlockRule::Groups64 | BlockRule::Groups128 => {
                (largest >= GROUP_FLOOR).then_some((127.0 / largest, largest / 127.0))
            }
        }
    }
}

/// Rows quantized by a [`BlockRule`].
#[derive(Debug)]
pub struct BlockRows {
    quantized: QuantizedRows,
    scales: Vec<f32>,
}

impl BlockRows {
    /// Quantizes rows of `cols` values. A block with a NaN has `d = NaN`, one with an infinity codes 0 and a `d` that
    /// is infinite, but for [`BlockRule::Q8K`].
    ///
    /// # Panics
    /// If `cols` is not a multiple of the block.
    pub fn quantize(cpu: &Machine, cols: usize, values: &[f32], rule: BlockRule) -> Self {
        let block = rule.block();
        assert!(cols.is_multiple_of(block), "{cols} columns are not blocks of {block}");
        let mut quantized = QuantizedRows::zeros(values.len() / cols, cols, block);
        let of_row = quantized.stride() / block;
        let mut scales = vec![0.0; quantized.rows() * of_row];
        let scales_of_row = scales.chunks_exact_mut(of_row);
        let mut work: Vec<_> = values.chunks_exact(cols).zip(quantized.rows_mut()).zip(scales_of_row).collect();
        cpu.for_each_by(&mut work, LEAST_VALUES.div_ceil(cols), |_, ((values, (codes, block_sums)), scales)| {
            cpu.isa().run(QuantizeBlocks { rule, values, codes, block_sums, scales });
            for (scale, block) in scales.iter_mut().zip(values.chunks_exact(block)) {
                *scale = if has_nan(block) { f32::NAN } else { *scale };
            }
        });
        BlockRows { quantized, scales }
    }

    /// Codes and sums of blocks.
    pub fn quantized(&self) -> &QuantizedRows {
        &self.quantized
    }

    /// The scale `d` of each block, row after row, 0 for those of padding.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }
}

/// One row of [`BlockRows`].
struct QuantizeBlocks<'a> {
    rule: BlockRule,
    values: &'a [f32],
    codes: &'a mut [i8],
    block_sums: &'a mut [i32],
    scales: &'a mut [f32],
}

impl Kernel for QuantizeBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        match self.rule {
            BlockRule::Q8K => self.blocks::<256>(),
            BlockRule::Q8_0 => self.blocks::<32>(),
            BlockRule::Groups64 => self.blocks::<64>(),
            BlockRule::Groups128 => self.blocks::<128>(),
        }
    }
}

impl QuantizeBlocks<'_> {
    /// With the length of a block as a constant, loops over it become vectors.
    #[inline(always)]
    fn blocks<const BLOCK: usize>(self) {
        let blocks = self.values.as_chunks::<BLOCK>().0.iter().zip(self.codes.as_chunks_mut::<BLOCK>().0);
        for (((values, codes), sum), scale) in blocks.zip(self.block_sums).zip(self.scales) {
            // The codes, the sum and the scale of a block of zeros are 0 already.
            if let Some((factor, found)) = self.rule.factor_and_scale(values) {
                *sum = quantize_codes(values, factor, codes);
                *scale = found;
            }
        }
    }
}
