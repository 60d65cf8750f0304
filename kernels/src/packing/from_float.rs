//! Ternary matrices from float ones: exact recognition, and quantization by the mean magnitude.
//!
//! What belongs here: the two ways from f32 values to codes and one scale. What does not: reading float packings.

use alloc::vec::Vec;

use super::{I2S, PackScales, Packed, PackingError, ZERO_CODE};

/// The least scale that [`absmean`] gives.
pub const ABSMEAN_FLOOR: f32 = 1e-5;

/// The matrix of `values` (row by row) if each of them is `-s`, `0` or `s` for one finite `s > 0`; exact. Zeros alone
/// have the scale 1. `None` for other values, and for dimensions that are not those of a matrix.
///
/// # Panics
/// If there are not `rows * cols` values.
pub fn ternary_from_f32(rows: usize, cols: usize, values: &[f32]) -> Option<Packed<I2S>> {
    assert_eq!(values.len(), rows * cols, "one value for each element");
    let scale = values.iter().find(|&&value| value != 0.0).map_or(1.0, |value| value.abs());
    let mut codes = Vec::with_capacity(values.len());
    for chunk in values.chunks(4096) {
        // Not `all`, which stops at the first: a chunk is checked in vectors.
        if chunk.iter().fold(false, |other, &value| other | (value != 0.0 && value.abs() != scale)) {
            return None;
        }
        codes.extend(chunk.iter().map(|&value| ZERO_CODE + u8::from(value > 0.0) - u8::from(value < 0.0)));
    }
    Packed::pack(rows, cols, &codes, PackScales::One(scale)).ok()
}

/// Float weights quantized to ternary ones as BitNet does in training: `m = max(mean |w|, 1e-5)` over the whole matrix,
/// `code = clamp(round(w * (1 / m)), -1, 1) + 1` with halves rounded to even, scale `m`.
///
/// The mean is summed in f64, where the sum of 2^29 floats is off by at most 2^-24 of itself, and rounded once to f32;
/// the rest is f32. Source: BitNet b1.58 (arXiv 2402.17764, section 2); `WeightQuant` of HF transformers'
/// `integrations/bitnet.py`.
///
/// # Errors
/// A [`PackingError`] where a value is not finite (then the scale is not either) or the dimensions are not those of a
/// matrix.
///
/// # Panics
/// If there are not `rows * cols` values.
pub fn absmean(rows: usize, cols: usize, values: &[f32]) -> Result<Packed<I2S>, PackingError> {
    assert_eq!(values.len(), rows * cols, "one value for each element");
    let sum: f64 = values.iter().map(|value| f64::from(value.abs())).sum();
    let mean = (sum / values.len() as f64) as f32;
    // Not `max`, which would hide a NaN.
    let scale = if mean < ABSMEAN_FLOOR { ABSMEAN_FLOOR } else { mean };
    let inverse = 1.0 / scale;
    let code = |value: &f32| {
        // Halves round to even: 0.5 to 0, and everything above it to 1 or more.
        let scaled = value * inverse;
        ZERO_CODE + u8::from(scaled > 0.5) - u8::from(scaled < -0.5)
    };
    let codes: Vec<u8> = values.iter().map(code).collect();
    Packed::pack(rows, cols, &codes, PackScales::One(scale))
}
