//! Independent parts of an output, dealt out among threads.
//!
//! What belongs here: how outputs are cut. What does not: what is computed in a part, which is in one order whoever
//! computes it.

use crate::cpu::Cpu;
use alloc::vec::Vec;

/// Operations for which it pays to ask another thread.
const LEAST: usize = 1 << 12;

/// Elements of a piece of an elementwise operation.
const PIECE: usize = 1 << 12;

/// Calls `work(index, row)` for the rows of `width` elements of `y`; a row takes about `cost` operations.
pub(crate) fn for_rows<T: Send>(
    cpu: &Cpu,
    y: &mut [T],
    width: usize,
    cost: usize,
    work: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    if width == 0 {
        return;
    }
    assert!(y.len().is_multiple_of(width), "rows of {width} elements");
    let mut rows: Vec<_> = y.chunks_exact_mut(width).collect();
    cpu.for_each_by(&mut rows, LEAST / cost.max(1), |index, row| work(index, row));
}

/// Calls `work(row, column, piece)` for pieces of up to `piece` elements of each row of `width` elements of `y`, where
/// `column` is the first of the piece; an element takes about `cost` operations.
pub(crate) fn for_pieces(
    cpu: &Cpu,
    y: &mut [f32],
    (width, piece): (usize, usize),
    cost: usize,
    work: impl Fn(usize, usize, &mut [f32]) + Send + Sync,
) {
    if width == 0 {
        return;
    }
    assert!(y.len().is_multiple_of(width), "rows of {width} elements");
    let pieces = |(row, elements)| columns(elements, piece).map(move |(column, piece)| (row, column, piece));
    let mut pieces: Vec<_> = y.chunks_exact_mut(width).enumerate().flat_map(pieces).collect();
    let cost = cost.max(1) * width.min(piece);
    cpu.for_each_by(&mut pieces, LEAST / cost, |_, (row, column, piece)| work(*row, *column, piece));
}

/// Pieces of a row, each with the number of its first element.
fn columns(row: &mut [f32], piece: usize) -> impl Iterator<Item = (usize, &mut [f32])> {
    row.chunks_mut(piece).enumerate().map(move |(index, elements)| (index * piece, elements))
}

/// Calls `work(x)` for every element of `x`.
pub(crate) fn for_elements(cpu: &Cpu, x: &mut [f32], work: impl Fn(&mut f32) + Send + Sync) {
    let mut pieces: Vec<_> = x.chunks_mut(PIECE).collect();
    cpu.for_each(&mut pieces, |_, piece| piece.iter_mut().for_each(&work));
}

/// Calls `work(x, y)` for every element of `x` with its counterpart in `y`, which is as long.
pub(crate) fn for_pairs(cpu: &Cpu, x: &mut [f32], y: &[f32], work: impl Fn(&mut f32, f32) + Send + Sync) {
    assert_eq!(x.len(), y.len(), "elements of two tensors of one shape");
    let mut pieces: Vec<_> = x.chunks_mut(PIECE).zip(y.chunks(PIECE)).collect();
    cpu.for_each(&mut pieces, |_, (x, y)| x.iter_mut().zip(*y).for_each(|(x, y)| work(x, *y)));
}
