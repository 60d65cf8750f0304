//! Products of ternary matrices with quantized activations: `y[token, row] = W[row] . x[token]`.
//!
//! What belongs here: the terms of the product (`Terms`), how bytes become codes in registers (`Unpack`), the kernels
//! for one token (`gemv`), for a few (`few`, and `grouped` where each block has a scale) and for many (`gemm`, with
//! activations laid out by `tiles`; `lut_gemm`, which looks part of the sums up), one for whatever these do not take
//! (`plain`), and copies for few tokens (`lut_gemv`). What does not: layouts ([`crate::packing`]), quantization
//! ([`crate::activations`]), intrinsics ([`crate::simd`]).
//!
//! # Arithmetic
//!
//! The columns are cut into segments: one of all columns, or one for the columns that share both scales. With codes `c`
//! and `q`,
//!
//! ```text
//! int[g] = sum over the columns k of segment g of c[k] * q[k]  -  sum of q[k]        exact, in i32
//! acc    = 0; for g in order: acc = acc + f32(int[g]) * (dx[g] * dw[g])              f32; see below
//! y      = acc / s * scale * multiplier                                              f32, left to right
//! ```
//!
//! | activations | scales of the matrix | segments | `dx` | `dw` | `s` | `scale` |
//! |---|---|---|---|---|---|---|
//! | int8 per token | one | one | 1 | 1 | of the token | of the matrix |
//! | int8 per token | by block | blocks | 1 | of the block | of the token | 1 |
//! | by block | one | blocks of the activations | of the block | of the matrix | 1 | 1 |
//! | by block | by block | the smaller blocks | of the block | of the block | 1 | 1 |
//!
//! Blocks of activations are those of a [`BlockRule`](crate::activations::BlockRule), blocks of a matrix those of its
//! packing.
//!
//! In segments of 256 columns and more a product is rounded before it is added. In shorter ones, of which there are
//! more, the product and the sum are rounded once, as the fused instruction does.
//!
//! A factor 1 changes no bit, so the first line is BitNet's `(dot(c, q) - sum(q)) / s * scale`. The integer part does
//! not depend on the order of its terms, and the rest is the same for each output; so every instruction set, every
//! number of threads, and one token or many give the same bits.

#[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), allow(dead_code, reason = "no set has lookups"))]
mod cache_line;
mod few;
mod gemm;
mod gemv;
mod grouped;
#[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), allow(dead_code, reason = "no set has lookups"))]
mod lut_gemm;
#[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), allow(dead_code, reason = "no set has lookups"))]
mod lut_gemv;
mod panel;
mod plain;
mod rows;
mod terms;
mod tiles;
mod unpack;

#[cfg(test)]
mod tests;

pub(crate) use lut_gemv::Triples;
pub(crate) use terms::Terms;
pub(crate) use unpack::Unpack;

use crate::machine::Machine;
use crate::machine::outputs::Output;
use crate::packing::Packed;
use crate::simd::Isa;

/// Products of codes that are worth a thread: some microseconds of work.
const LEAST_PRODUCTS: usize = 1 << 17;

/// `y[token, row]` for every token of `terms` and every row of `matrix`, in the arithmetic of this module. Few tokens
/// are multiplied with `copy`, where there is one and the instruction set reads it.
///
/// Shapes: `y` is `[tokens, rows]`.
///
/// # Panics
/// If the activations have another number of columns than the matrix, or `y` has another length.
pub(crate) fn product<P: Unpack>(
    cpu: &Machine,
    matrix: &Packed<P>,
    copy: Option<&Triples>,
    terms: &Terms<'_>,
    y: &mut [Output],
) {
    let (rows, tokens) = (matrix.rows(), terms.tokens());
    assert_eq!(y.len(), tokens * rows, "one output for each token and row");
    assert_eq!(terms.stride(), matrix.cols().next_multiple_of(crate::activations::BLOCK), "columns of the activations");
    let least_rows = LEAST_PRODUCTS / (tokens.max(1) * matrix.cols());
    // Copies are for few tokens and have blocks of 256 columns.
    let suits = tokens <= lut_gemv::MOST_TOKENS && terms.segment().is_multiple_of(crate::activations::BLOCK);
    if let (true, Some(copy), Some(lookups)) = (suits, copy, cpu.isa().lookups()) {
        copy.product(cpu, lookups, terms, (y, rows), least_rows);
    } else if !takes_segments::<P>(matrix.cols(), terms) {
        cpu.for_column_chunks(y, rows, 1, least_rows, |first_row, outputs| {
            cpu.isa().run(plain::Product { matrix, terms, first_row, outputs });
        });
    } else if tokens <= most_few::<P>(cpu.isa()) {
        few_tokens(cpu, matrix, terms, y, least_rows);
    } else if let (false, Some(lookups)) = (P::GROUPED, lut_gemm::preferred(cpu, rows, tokens)) {
        lut_gemm::product(cpu, lookups, matrix, terms, y);
    } else {
        gemm::product(cpu, (&rows::Rows::of(matrix), rows), terms, y, least_rows);
    }
}

/// Whether the kernels for one and for many tokens add up the segments of `terms`: all columns, and of grouped
/// packings, whose windows rows must have whole ones of, the columns of a scale; of others 256 columns.
fn takes_segments<P: Unpack>(cols: usize, terms: &Terms<'_>) -> bool {
    let whole = !P::GROUPED || cols.is_multiple_of(P::WINDOW_BLOCKS * P::BLOCK);
    let segment = if P::GROUPED { P::BLOCK } else { crate::activations::BLOCK };
    whole && (terms.has_one_factor() || terms.segment() == segment)
}

/// The most tokens of [`few_tokens`]. With a scale for each group and 512 bits, the product for many is faster from two
/// tokens on, as it adds nothing across a vector for each group.
fn most_few<P: Unpack>(isa: Isa) -> usize {
    match isa {
        Isa::Avx512Vnni | Isa::Avx512VnniLookup if P::GROUPED => 1,
        _ => *P::FEW_TOKENS.end(),
    }
}

/// [`product`] for one token or [`Unpack::FEW_TOKENS`], without a copy.
fn few_tokens<P: Unpack>(cpu: &Machine, matrix: &Packed<P>, terms: &Terms<'_>, y: &mut [Output], least_rows: usize) {
    let activations = gemv::Activations::new::<P>(cpu, terms.in_order());
    let activations = activations.codes();
    if P::GROUPED {
        match terms.tokens() {
            1 => grouped_tokens::<P, 1>(cpu, matrix, terms, activations, y, least_rows),
            2 => grouped_tokens::<P, 2>(cpu, matrix, terms, activations, y, least_rows),
            3 => grouped_tokens::<P, 3>(cpu, matrix, terms, activations, y, least_rows),
            _ => grouped_tokens::<P, 4>(cpu, matrix, terms, activations, y, least_rows),
        }
    } else if terms.tokens() < *P::FEW_TOKENS.start() {
        cpu.for_column_chunks(y, matrix.rows(), gemv::ROWS, least_rows, |first_row, outputs| {
            cpu.isa().run(gemv::Gemv { matrix, terms, activations, first_row, outputs });
        });
    } else {
        cpu.for_column_chunks(y, matrix.rows(), few::GRANULE, least_rows, |first_row, outputs| {
            cpu.isa().run(few::Few { matrix, terms, activations, first_row, outputs });
        });
    }
}

/// [`few_tokens`] of a packing with a scale for each group, for `T` tokens.
fn grouped_tokens<P: Unpack, const T: usize>(
    cpu: &Machine,
    matrix: &Packed<P>,
    terms: &Terms<'_>,
    activations: &[i8],
    y: &mut [Output],
    least_rows: usize,
) {
    assert_eq!(terms.tokens(), T, "tokens");
    let (rows, group_terms) = (&rows::Rows::of(matrix), &grouped::GroupTerms::of(terms));
    cpu.for_column_chunks(y, matrix.rows(), gemv::ROWS, least_rows, |first_row, outputs| {
        cpu.isa().run(grouped::Gemv::<P, T> { rows, terms, group_terms, activations, first_row, outputs });
    });
}

/// The starts of slices. Kernels use loops where arrays have methods with closures: those are not always inlined, and
/// what is not inlined into a kernel is not compiled for its instruction set.
#[inline(always)]
fn pointers<T, const N: usize>(slices: &[&[T]; N]) -> [*const T; N] {
    let mut pointers = [core::ptr::null(); N];
    for (pointer, slice) in pointers.iter_mut().zip(slices) {
        *pointer = slice.as_ptr();
    }
    pointers
}
