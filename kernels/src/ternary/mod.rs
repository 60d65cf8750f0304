//! Products of ternary matrices with quantized activations: `y[token, row] = W[row] . x[token]`.
//!
//! What belongs here: the terms of the product (`Terms`), how bytes become codes in registers (`Unpack`), the kernels
//! for one token (`gemv`), for a few (`few`) and for many (`gemm`, with activations laid out by `tiles`; `lookup`,
//! which looks part of the sums up), and copies for few tokens (`triples`). What does not: layouts
//! ([`crate::packing`]), quantization ([`crate::quantize`]), intrinsics ([`crate::arch`]).
//!
//! # Arithmetic
//!
//! The columns are cut into segments: one of all columns, or one for each block of 256. With codes `c` and `q`,
//!
//! ```text
//! int[g] = sum over the columns k of segment g of c[k] * q[k]  -  sum of q[k]        exact, in i32
//! acc    = 0; for g in order: acc = acc + f32(int[g]) * (dx[g] * dw[g])              f32, nothing fused
//! y      = acc / s * scale * multiplier                                              f32, left to right
//! ```
//!
//! | activations | scales of the matrix | segments | `dx` | `dw` | `s` | `scale` |
//! |---|---|---|---|---|---|---|
//! | int8 per token | one | one | 1 | 1 | of the token | of the matrix |
//! | int8 per token | by block | blocks | 1 | of the block | of the token | 1 |
//! | Q8_K | one | blocks | of the block | of the matrix | 1 | 1 |
//! | Q8_K | by block | blocks | of the block | of the block | 1 | 1 |
//!
//! A factor 1 changes no bit, so the first line is BitNet's `(dot(c, q) - sum(q)) / s * scale`. The integer part does
//! not depend on the order of its terms, and the rest is the same for each output; so every instruction set, every
//! number of threads, and one token or many give the same bits.

mod few;
mod gemm;
mod gemv;
mod lines;
mod lookup;
mod terms;
mod tiles;
mod triples;
mod unpack;

#[cfg(test)]
mod tests;

pub(crate) use terms::Terms;
pub(crate) use triples::Triples;
pub(crate) use unpack::Unpack;

use crate::machine::Machine;
use crate::packing::Packed;
use crate::slots::Slot;

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
    y: &mut [Slot],
) {
    let (rows, tokens) = (matrix.rows(), terms.tokens());
    assert_eq!(y.len(), tokens * rows, "one output for each token and row");
    assert_eq!(terms.stride(), matrix.cols().next_multiple_of(crate::quantize::BLOCK), "columns of the activations");
    let least_rows = LEAST_PRODUCTS / (tokens.max(1) * matrix.cols());
    if let Some(copy) = copy.filter(|_| tokens <= triples::MOST_TOKENS && cpu.isa().reads_triples()) {
        copy.product(cpu, rows, terms, y, least_rows);
    } else if tokens < *P::FEW_TOKENS.start() {
        let activations = gemv::Activations::new::<P>(cpu, terms.codes());
        let activations = activations.codes();
        cpu.for_column_chunks(y, rows, gemv::ROWS, least_rows, |first_row, outputs| {
            cpu.isa().run(gemv::Gemv { matrix, terms, activations, first_row, outputs });
        });
    } else if P::FEW_TOKENS.contains(&tokens) {
        let activations = gemv::Activations::new::<P>(cpu, terms.codes());
        let activations = activations.codes();
        cpu.for_column_chunks(y, rows, few::GRANULE, least_rows, |first_row, outputs| {
            cpu.isa().run(few::Few { matrix, terms, activations, first_row, outputs });
        });
    } else if lookup::is_preferred(cpu, rows, tokens) {
        lookup::product(cpu, matrix, terms, y);
    } else {
        let activations = tiles::Activations::new(cpu, terms);
        cpu.for_column_chunks(y, rows, gemm::GRANULE, least_rows, |first_row, outputs| {
            cpu.isa().run(gemm::Gemm { matrix, terms, activations: &activations, first_row, outputs });
        });
    }
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
