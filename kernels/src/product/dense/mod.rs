//! Products of dense matrices with f32 or 16-bit activations, and of ternary ones whose activations are not quantized.
//!
//! What belongs here: the products and what they need of a packing. What does not: the layouts themselves
//! ([`crate::packing`]), quantization of activations ([`crate::activations`]), ternary products with quantized
//! activations ([`crate::product::ternary`]).
//!
//! One token or many, on any instruction set and number of threads, the same bits.
//!
//! # F32 activations
//!
//! `y[t][r] = (row r . x[t]) * multiplier`. Weights are decoded to f32; product `k` is added to lane `k % 16`, for
//! ascending `k`, nothing fused, and the lanes are added as a balanced tree.
//!
//! # 16-bit activations
//!
//! With codes `q` and scales `s` of [`Int16Rows`](crate::activations::Int16Rows), for each block of 256 columns:
//!
//! ```text
//! part[j] = sum over the columns of lane j of w * q       sums of codes exact, then the scales of the weights in f32
//! acc[j]  = 0; for each block: acc[j] = acc[j] + part[j] * s                         f32, nothing fused
//! y       = (the sixteen lanes of acc, added as a balanced tree) * multiplier        f32
//! ```
//!
//! Each packing says which columns a lane has and in which order its scales are applied;
//! [`mod@crate::reference::int16`] shows it in plain loops. The product deviates from the one with f32 activations by
//! at most the sum over the blocks of `max |x| / 65024 * sum |w|`, and by the roundings of f32.

mod few;
mod gemm;
mod gemv;
mod int16;
#[cfg(test)]
mod tests;
#[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), allow(dead_code, reason = "no set has words"))]
mod words;

pub(crate) use int16::product as int16_product;

use alloc::vec::Vec;

use crate::machine::Machine;
use crate::machine::outputs::Output;
use crate::packing::{DensePacking, Packed};
use crate::simd::floats;

/// The product of this module; `x` is `[tokens][cols]`, `y` is `[tokens][rows]`.
///
/// # Panics
/// If the lengths of `x` and `y` are not those of the same number of tokens.
pub(crate) fn product<P: DensePacking>(cpu: &Machine, x: &[f32], matrix: &Packed<P>, y: &mut [Output]) {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    assert!(x.len().is_multiple_of(cols) && x.len() / cols * rows == y.len(), "sizes of the product");
    if const { P::IN_REGISTERS } && x.len() == cols {
        cpu.for_column_chunks(y, rows, gemv::TILE, gemv::TILE, |first_row, mut outputs| {
            let y = outputs.row(0);
            floats::run(cpu.isa(), gemv::Gemv { matrix, first_row, x, y });
        });
    } else if const { P::IN_REGISTERS } && x.len() <= FEW_TOKENS * cols {
        cpu.for_column_chunks(y, rows, few::GRANULE, few::GRANULE, |first_row, outputs| {
            floats::run(cpu.isa(), few::Few { matrix, first_row, x, outputs });
        });
    } else {
        gemm::product(cpu, matrix, x, y);
    }
}

/// The products of the rows `rows` with one token: the bits of [`product`]. `y` has one element for each.
///
/// # Panics
/// If a row is not in the matrix, or the lengths of `x` and `y` are others.
pub(crate) fn rows_product<P: DensePacking>(
    cpu: &Machine,
    matrix: &Packed<P>,
    rows: &[u32],
    x: &[f32],
    y: &mut [Output],
) {
    assert!(x.len() == matrix.cols() && y.len() == rows.len(), "sizes of the product");
    let mut tiles: Vec<_> = rows.chunks(gemv::TILE).zip(y.chunks_mut(gemv::TILE)).collect();
    cpu.for_each_by(&mut tiles, LEAST_TILES, |_, (rows, y)| {
        floats::run(cpu.isa(), gemv::GemvOfRows { matrix, rows, x, y });
    });
}

/// Up to this many tokens weights are decoded in registers, for each eight tokens anew, and beyond into memory.
const FEW_TOKENS: usize = 8;

/// Tiles of rows that are worth a thread.
const LEAST_TILES: usize = 8;
