//! Dense matrices from f32 values: rounding to the packings that have a rule for it.
//!
//! What belongs here: what such a packing provides, and whole matrices, row by row, in parallel. What does not: the
//! rules (each is beside its layout), ternary matrices ([`super::from_float`]).

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::{Packed, Packing, PackingError};
use crate::machine::Machine;
use crate::simd::{Kernel, Simd, Vector};

/// Elements that are encoded by one thread at a time: some hundred microseconds of work.
const LEAST_ELEMENTS: usize = 1 << 16;

/// A packing that f32 values can be rounded to.
pub trait FromFloat: Packing {
    /// Writes the blocks of `values`, which are finite and make whole blocks.
    ///
    /// Where the scale of a block is too small for half precision, the block is one of zeros; where it is too large,
    /// the scale is infinite, which makes the matrix invalid.
    fn encode(values: &[f32], blocks: &mut [u8]);
}

/// [`FromFloat::encode`] compiled for an instruction set; the same bits on all of them.
struct Encode<'a, P> {
    values: &'a [f32],
    blocks: &'a mut [u8],
    packing: core::marker::PhantomData<P>,
}

impl<P: FromFloat> Kernel for Encode<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        P::encode(self.values, self.blocks);
    }
}

impl<P: FromFloat> Packed<P> {
    /// Rounds `values`, row by row, to the packing.
    ///
    /// # Errors
    /// As [`Packed::from_rows`]; [`PackingError::Elements`] if there are not `rows * cols` values.
    pub fn from_f32(cpu: &Machine, rows: usize, cols: usize, values: &[f32]) -> Result<Self, PackingError> {
        let expected = rows.saturating_mul(cols);
        if values.len() != expected {
            let found = values.len();
            return Err(PackingError::Elements { packing: P::NAME, rows, cols, expected, found });
        }
        Self::from_rows(cpu, rows, cols, |row, out| out.copy_from_slice(&values[row * cols..][..cols]), |_| ())
    }

    /// Rounds rows, which `fill(row, values)` writes, to the packing, in parallel. `done` is told the number of rows
    /// after some were encoded, from any thread.
    ///
    /// # Errors
    /// [`PackingError::NotFinite`] for a value that is NaN or infinite; [`PackingError::Block`] where a scale is beyond
    /// half precision; dimensions as in [`Packed::new`].
    pub fn from_rows(
        cpu: &Machine,
        rows: usize,
        cols: usize,
        fill: impl Fn(usize, &mut [f32]) + Send + Sync,
        done: impl Fn(usize) + Send + Sync,
    ) -> Result<Self, PackingError> {
        let row_bytes = Self::checked_row_bytes(rows, cols)?;
        let mut bytes = vec![0; rows * row_bytes];
        let rows_of_chunk = LEAST_ELEMENTS.div_ceil(cols);
        let first_fault = AtomicUsize::new(usize::MAX);
        let mut chunks: Vec<_> = bytes.chunks_mut(rows_of_chunk * row_bytes).collect();
        cpu.for_each(&mut chunks, |chunk, blocks| {
            let mut values = vec![0.0; cols];
            let blocks = blocks.chunks_exact_mut(row_bytes);
            let count = blocks.len();
            for (row, blocks) in (chunk * rows_of_chunk..).zip(blocks) {
                fill(row, &mut values);
                // Not `all`, which stops at the first: a row is checked in vectors.
                if values.iter().fold(true, |all, value| all & value.is_finite()) {
                    cpu.isa().run(Encode::<P> { values: &values, blocks, packing: core::marker::PhantomData });
                } else {
                    first_fault.fetch_min(row, Ordering::Relaxed);
                }
            }
            done(count);
        });
        let row = first_fault.into_inner();
        if row < rows {
            let mut values = vec![0.0; cols];
            fill(row, &mut values);
            if let Some(col) = values.iter().position(|value| !value.is_finite()) {
                return Err(PackingError::NotFinite { packing: P::NAME, row, col, found: values[col] });
            }
        }
        Self::new(rows, cols, Bytes::from(bytes))
    }
}
