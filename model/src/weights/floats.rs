//! Float matrices as codes and scales: exact recognition of those that are ternary or binary, and quantization of the
//! others by mean magnitudes.
//!
//! What belongs here: which values are codes under scales, and which groups have one scale. What does not: which
//! matrices are asked (`claims.rs`, conversion), packings and products (`trine_kernels`).

use super::GroupSize;
use crate::parallel;
use half::f16;
use std::sync::atomic::{AtomicBool, Ordering};
use trine_kernels::packing::{
    I2S, PackScales, Packed, Packing, Pq2_0, Q1_0, Q2_0, Ternary, Tq2_0, absmean as absmean_of,
};
use trine_kernels::{Matrix, PackingError, PackingKind};

/// Columns of the smallest group that has a scale in a packing.
const SEGMENT: usize = 64;

/// Neighbouring values of a row that are 0 or have one magnitude.
#[derive(Clone, Copy)]
struct Segment {
    /// The magnitude; 0 where all are 0.
    scale: f32,
    has_zero: bool,
}

impl Segment {
    fn of(values: &[f32]) -> Option<Segment> {
        let scale = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        // Not `all` and `any`, which stop at the first: a segment is looked at in vectors. NaN is another value.
        let is_other = |value: f32| value != 0.0 && value.abs() != scale;
        let is_one = !values.iter().fold(false, |other, &value| other | is_other(value));
        let has_zero = values.iter().fold(false, |zero, &value| zero | (value == 0.0));
        (is_one && scale.is_finite()).then_some(Segment { scale, has_zero })
    }

    fn of_row(values: &[f32], columns: usize) -> Option<Vec<Segment>> {
        values.chunks(columns).map(Segment::of).collect()
    }
}

/// A float matrix whose values are exactly `-s`, 0 and `s`, or `-s` and `s`, with one `s` for the matrix or for each
/// group of columns, as codes and scales; `None` for other values.
///
/// Of the packings that have all the scales it gets that with the largest groups: I2_S with one scale, TQ2_0 with one
/// for 256 columns, PQ2_0 for 128, Q2_0 for 64; a scale of a row is written for each group of the row. Where no weight
/// is 0, groups of zeros aside, 128 columns and more are Q1_0. Scales of groups are f16, and others keep the matrix
/// from being one.
pub(crate) fn recognised(matrix: &Matrix) -> Option<Matrix> {
    if !matches!(matrix.kind(), PackingKind::F32 | PackingKind::F16 | PackingKind::BF16) {
        return None;
    }
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let columns = if cols.is_multiple_of(SEGMENT) { SEGMENT } else { cols };
    // One row tells almost every other matrix.
    let mut first = vec![0.0; cols];
    matrix.decode_row(0, &mut first);
    Segment::of_row(&first, columns)?;
    let is_other = AtomicBool::new(false);
    let of_row = |values: &mut Vec<f32>, row| {
        if is_other.load(Ordering::Relaxed) {
            return None;
        }
        matrix.decode_row(row, values);
        let segments = Segment::of_row(values, columns);
        is_other.fetch_or(segments.is_none(), Ordering::Relaxed);
        segments
    };
    let segments = parallel::map(rows, || vec![0.0; cols], of_row);
    let segments = segments.into_iter().collect::<Option<Vec<_>>>()?.concat();
    let scales: Vec<f32> = segments.iter().map(|segment| segment.scale).collect();
    if let Some(scale) = common(&scales) {
        // Zeros alone have the scale 1.
        let scale = PackScales::One(if scale == 0.0 { 1.0 } else { scale });
        return Packed::<I2S>::pack(rows, cols, &codes(matrix, ternary_code), scale).map(Matrix::from).ok();
    }
    if columns != SEGMENT {
        return None;
    }
    if cols.is_multiple_of(Q1_0::BLOCK)
        && segments.iter().all(|segment| segment.scale == 0.0 || !segment.has_zero)
        && let Some(scales) = of_pairs(&scales)
    {
        let codes = codes(matrix, binary_code);
        return Packed::<Q1_0>::pack(rows, cols, &codes, PackScales::Blocks(&scales)).map(Matrix::from).ok();
    }
    grouped(matrix, &scales)
}

/// The same of an embedding or a head, where groups have scales: these alone are of models whose tables were trained as
/// codes too.
pub(crate) fn recognised_table(matrix: &Matrix) -> Option<Matrix> {
    recognised(matrix).filter(|codes| codes.scale().is_none())
}

/// A ternary matrix of which each segment has a scale.
fn grouped(matrix: &Matrix, scales: &[f32]) -> Option<Matrix> {
    let (rows, cols, codes) = (matrix.rows(), matrix.cols(), codes(matrix, ternary_code));
    let of_blocks = |block: usize| {
        let groups = scales.chunks(block / SEGMENT).map(common);
        cols.is_multiple_of(block).then(|| groups.collect::<Option<Vec<f32>>>())?
    };
    let packed = if let Some(scales) = of_blocks(Tq2_0::BLOCK) {
        Packed::<Tq2_0>::pack(rows, cols, &codes, PackScales::Blocks(&scales)).map(Matrix::from)
    } else if let Some(scales) = of_blocks(Pq2_0::BLOCK) {
        Packed::<Pq2_0>::pack(rows, cols, &codes, PackScales::Blocks(&scales)).map(Matrix::from)
    } else {
        Packed::<Q2_0>::pack(rows, cols, &codes, PackScales::Blocks(scales)).map(Matrix::from)
    };
    packed.ok()
}

/// The one scale of all segments that are not zeros; 0 where all are.
fn common(scales: &[f32]) -> Option<f32> {
    let mut of_weights = scales.iter().copied().filter(|&scale| scale != 0.0);
    let scale = of_weights.next().unwrap_or(0.0);
    of_weights.all(|other| other == scale).then_some(scale)
}

/// The scales of pairs of segments that have one scale, also where it is 0: a binary block has no zero under another.
fn of_pairs(scales: &[f32]) -> Option<Vec<f32>> {
    scales.as_chunks().0.iter().map(|&[first, second]| (first == second).then_some(first)).collect()
}

fn ternary_code(value: f32) -> u8 {
    1 + u8::from(value > 0.0) - u8::from(value < 0.0)
}

/// Zeros have signs too.
fn binary_code(value: f32) -> u8 {
    2 * u8::from(value.is_sign_positive())
}

fn codes(matrix: &Matrix, code: fn(f32) -> u8) -> Vec<u8> {
    let cols = matrix.cols();
    let mut codes = vec![0; matrix.rows() * cols];
    let of_row = |values: &mut Vec<f32>, row, codes: &mut [u8]| {
        matrix.decode_row(row, values);
        codes.iter_mut().zip(values).for_each(|(to, value)| *to = code(*value));
    };
    parallel::for_each_piece(&mut codes, cols, || vec![0.0; cols], of_row);
    codes
}

/// A matrix quantized as BitNet b1.58 quantizes its masters, with one scale.
///
/// # Errors
/// As of [`trine_kernels::packing::absmean`].
pub(crate) fn absmean(matrix: &Matrix) -> Result<Matrix, PackingError> {
    let cols = matrix.cols();
    let mut values = vec![0.0; matrix.rows() * cols];
    parallel::for_each_piece(&mut values, cols, || (), |(), row, values| matrix.decode_row(row, values));
    absmean_of(matrix.rows(), cols, &values).map(Matrix::from)
}

/// The same with one scale for each group of columns of a row: `m = mean |w|` of the group, rounded to f16, and
/// `code = clamp(round(w / m), -1, 1)` with halves rounded to even. Where `m` is 0, so are the weights.
///
/// # Errors
/// Columns that are no multiple of the group, and a mean that f16 does not reach.
pub(crate) fn absmean_of_groups(matrix: &Matrix, group: GroupSize) -> Result<Matrix, PackingError> {
    match group {
        GroupSize::Columns64 => quantized::<Q2_0>(matrix).map(Matrix::from),
        GroupSize::Columns128 => quantized::<Pq2_0>(matrix).map(Matrix::from),
    }
}

fn quantized<P: Ternary>(matrix: &Matrix) -> Result<Packed<P>, PackingError> {
    let (packing, rows, cols) = (P::NAME, matrix.rows(), matrix.cols());
    if !cols.is_multiple_of(P::BLOCK) {
        return Err(PackingError::Columns { packing, cols, multiple: P::BLOCK });
    }
    let means_of = |values: &mut Vec<f32>, row| {
        matrix.decode_row(row, values);
        values.chunks_exact(P::BLOCK).map(mean_magnitude).collect::<Vec<f32>>()
    };
    let means = parallel::map(rows, || vec![0.0; cols], means_of).concat();
    if let Some(&found) = means.iter().find(|mean| !f16::from_f32(**mean).is_finite()) {
        return Err(PackingError::ScaleNotHalf { packing, found });
    }
    let scales: Vec<f32> = means.into_iter().map(|mean| f16::from_f32(mean).to_f32()).collect();
    let mut codes = vec![0; rows * cols];
    let of_row = |values: &mut Vec<f32>, row: usize, codes: &mut [u8]| {
        matrix.decode_row(row, values);
        for (index, (codes, values)) in codes.chunks_mut(P::BLOCK).zip(values.chunks(P::BLOCK)).enumerate() {
            let scale = scales[row * (cols / P::BLOCK) + index];
            let code = |value: f32| ternary_code(if (value / scale).abs() > 0.5 { value } else { 0.0 });
            codes.iter_mut().zip(values).for_each(|(to, &value)| *to = if scale == 0.0 { 1 } else { code(value) });
        }
    };
    parallel::for_each_piece(&mut codes, cols, || vec![0.0; cols], of_row);
    Packed::pack(rows, cols, &codes, PackScales::Blocks(&scales))
}

fn mean_magnitude(values: &[f32]) -> f32 {
    let sum: f64 = values.iter().map(|value| f64::from(value.abs())).sum();
    (sum / values.len() as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_kernels::packing::F16;

    const ROWS: usize = 3;
    const COLS: usize = 512;

    /// Floats in f16, row by row.
    fn floats(value: impl Fn(usize, usize) -> f32) -> Matrix {
        let values = (0..ROWS * COLS).map(|index| value(index / COLS, index % COLS));
        let bytes: Vec<u8> = values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
        Packed::<F16>::new(ROWS, COLS, bytes.into()).unwrap().into()
    }

    fn decoded(matrix: &Matrix) -> Vec<f32> {
        let mut values = vec![0.0; ROWS * COLS];
        values.chunks_exact_mut(COLS).enumerate().for_each(|(row, values)| matrix.decode_row(row, values));
        values
    }

    fn sign(row: usize, col: usize) -> f32 {
        ((row * 7 + col * col / 5) % 3) as f32 - 1.0
    }

    /// A scale for each group of so many columns, no two of a matrix alike.
    fn scale(row: usize, col: usize, columns: usize) -> f32 {
        (1 + row * (COLS / columns) + col / columns) as f32 / 64.0
    }

    #[test]
    fn the_largest_groups_that_fit_are_found() {
        let cases = [(COLS, PackingKind::Tq2_0), (256, PackingKind::Tq2_0), (128, PackingKind::Pq2_0)];
        for (columns, kind) in cases.into_iter().chain([(64, PackingKind::Q2_0)]) {
            let matrix = floats(|row, col| sign(row, col) * scale(row, col, columns));
            let found = recognised(&matrix).unwrap();
            assert_eq!(found.kind(), kind, "{columns} columns");
            assert_eq!(decoded(&found), decoded(&matrix), "{columns} columns");
            assert_eq!(recognised_table(&matrix).map(|table| table.kind()), Some(kind));
        }
        let one = floats(|row, col| 0.75 * sign(row, col));
        assert_eq!(recognised(&one).map(|found| (found.kind(), found.scale())), Some((PackingKind::I2S, Some(0.75))));
        assert!(recognised_table(&one).is_none());
        assert_eq!(recognised(&floats(|_, _| 0.0)).unwrap().scale(), Some(1.0));
    }

    /// A group of zeros has any scale, but binary weights have no zero beside others.
    #[test]
    fn zeros_are_ternary_and_groups_of_zeros_binary_too() {
        let binary = |row: usize, col: usize| if (row + col * col) % 5 < 2 { -1.0 } else { 1.0 };
        for columns in [256, 128] {
            let zeros = |row, col| if (row, col / 128) == (1, 2) { 0.0 } else { scale(row, col, columns) };
            let matrix = floats(|row, col| binary(row, col) * zeros(row, col));
            let found = recognised(&matrix).unwrap();
            assert_eq!((found.kind(), found.is_ternary()), (PackingKind::Q1_0, false), "{columns} columns");
            assert_eq!(decoded(&found), decoded(&matrix), "{columns} columns");
        }
        let half =
            floats(|row, col| if (row, col / 64) == (1, 2) { 0.0 } else { binary(row, col) * scale(row, col, 128) });
        let found = recognised(&half).unwrap();
        assert_eq!((found.kind(), decoded(&found)), (PackingKind::Pq2_0, decoded(&half)));
        let halves = recognised(&floats(|row, col| binary(row, col) * scale(row, col, 64))).unwrap();
        assert_eq!(halves.kind(), PackingKind::Q2_0);
    }

    #[test]
    fn other_values_stay_floats() {
        let odd =
            |row: usize, col: usize| if (row, col) == (2, 500) { 0.001 } else { sign(row, col) * scale(row, col, 64) };
        assert!(recognised(&floats(odd)).is_none());
        for value in [1e30f32, 0.1] {
            let bytes: Vec<u8> =
                (0..256).flat_map(|col| (value * (1 + col / 128) as f32 / 2.0).to_le_bytes()).collect();
            let matrix = Matrix::new(PackingKind::F32, 1, 256, bytes.into()).unwrap();
            assert!(recognised(&matrix).is_none(), "no f16 holds {value}");
        }
        let rows = Matrix::new(PackingKind::F32, 2, 1, [1.0f32, 2.0].map(f32::to_le_bytes).concat().into()).unwrap();
        assert!(recognised(&rows).is_none(), "rows that no packing holds");
    }

    #[test]
    fn groups_are_quantized_by_their_mean_magnitudes() {
        let value = |row: usize, col: usize| ((row * 31 + col * 17) % 101) as f32 / 64.0 - 0.7;
        let matrix = floats(|row, col| if col / 64 == 3 { 0.0 } else { value(row, col) });
        let values = decoded(&matrix);
        for (group, kind, columns) in
            [(GroupSize::Columns64, PackingKind::Q2_0, 64), (GroupSize::Columns128, PackingKind::Pq2_0, 128)]
        {
            let found = absmean_of_groups(&matrix, group).unwrap();
            assert_eq!(found.kind(), kind);
            for (found, values) in decoded(&found).chunks(columns).zip(values.chunks(columns)) {
                let mean = values.iter().map(|value| value.abs()).sum::<f32>() / columns as f32;
                let mean = f16::from_f32(mean).to_f32();
                let expected = |value: &f32| {
                    if mean == 0.0 { 0.0 } else { (value / mean).round_ties_even().clamp(-1.0, 1.0) * mean }
                };
                assert_eq!(found, values.iter().map(expected).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_cannot_be_quantized_is_named() {
        let narrow = Matrix::new(PackingKind::F32, 1, 96, vec![0; 384].into()).unwrap();
        assert!(matches!(
            absmean_of_groups(&narrow, GroupSize::Columns64),
            Err(PackingError::Columns { cols: 96, .. })
        ));
        let large = Matrix::new(PackingKind::F32, 1, 64, 1e6f32.to_le_bytes().repeat(64).into()).unwrap();
        assert!(matches!(absmean_of_groups(&large, GroupSize::Columns64), Err(PackingError::ScaleNotHalf { .. })));
    }
}
