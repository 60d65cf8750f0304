//! Matrices of a packing chosen at run time from f32 values, and from matrices of other packings.

use super::{Matrix, PackingKind};
use crate::machine::Machine;
use crate::packing::{BF16, F16, F32, Packed, PackingError, Q4_0, Q6K, Q8_0};

impl PackingKind {
    /// The packings that f32 values can be rounded to.
    pub const FROM_F32: [PackingKind; 6] =
        [PackingKind::F32, PackingKind::F16, PackingKind::BF16, PackingKind::Q8_0, PackingKind::Q6K, PackingKind::Q4_0];
}

impl Matrix {
    /// The matrix of `values`, row by row, rounded to the packing `kind`, which is one of [`PackingKind::FROM_F32`].
    ///
    /// # Errors
    /// As [`Packed::from_f32`]; [`PackingError::NotFromFloat`] for other packings.
    pub fn from_f32(
        cpu: &Machine,
        kind: PackingKind,
        rows: usize,
        cols: usize,
        values: &[f32],
    ) -> Result<Matrix, PackingError> {
        Ok(match kind {
            PackingKind::F32 => Packed::<F32>::from_f32(cpu, rows, cols, values)?.into(),
            PackingKind::F16 => Packed::<F16>::from_f32(cpu, rows, cols, values)?.into(),
            PackingKind::BF16 => Packed::<BF16>::from_f32(cpu, rows, cols, values)?.into(),
            PackingKind::Q8_0 => Packed::<Q8_0>::from_f32(cpu, rows, cols, values)?.into(),
            PackingKind::Q4_0 => Packed::<Q4_0>::from_f32(cpu, rows, cols, values)?.into(),
            PackingKind::Q6K => Packed::<Q6K>::from_f32(cpu, rows, cols, values)?.into(),
            _ => return Err(PackingError::NotFromFloat { packing: kind.name() }),
        })
    }

    /// The same weights, the multiplier included, rounded to the packing `kind`, with the same bias, in the activation
    /// mode that such matrices start in. The rows are decoded and rounded in parallel; `done` is told the number of
    /// rows after some are, from any thread.
    ///
    /// # Errors
    /// As [`Packed::from_rows`]; [`PackingError::NotFromFloat`] unless `kind` is one of [`PackingKind::FROM_F32`].
    pub fn requantize(
        &self,
        cpu: &Machine,
        kind: PackingKind,
        done: impl Fn(usize) + Send + Sync,
    ) -> Result<Matrix, PackingError> {
        let (rows, cols) = (self.rows(), self.cols());
        let fill = |row: usize, out: &mut [f32]| self.decode_row(row, out);
        let matrix = match kind {
            PackingKind::F32 => Packed::<F32>::from_rows(cpu, rows, cols, fill, done)?.into(),
            PackingKind::F16 => Packed::<F16>::from_rows(cpu, rows, cols, fill, done)?.into(),
            PackingKind::BF16 => Packed::<BF16>::from_rows(cpu, rows, cols, fill, done)?.into(),
            PackingKind::Q8_0 => Packed::<Q8_0>::from_rows(cpu, rows, cols, fill, done)?.into(),
            PackingKind::Q4_0 => Packed::<Q4_0>::from_rows(cpu, rows, cols, fill, done)?.into(),
            PackingKind::Q6K => Packed::<Q6K>::from_rows(cpu, rows, cols, fill, done)?.into(),
            _ => return Err(PackingError::NotFromFloat { packing: kind.name() }),
        };
        Ok(Matrix { bias: self.bias.clone(), ..matrix })
    }
}
