//! Ternary matrices from codes as HF transformers keeps them.
//!
//! What belongs here: the two layouts of codes in safetensors files. What does not: scales, which are tensors of their
//! own there, and files.

use alloc::vec::Vec;

use super::{BlockFault, I2S, PackScales, Packed, PackingError};
use crate::machine::parallel;
use trine_memory::{MAX_ELEMENTS, product_within};

/// Rows that a byte of the packed form holds codes of.
const ROWS_PER_BYTE: usize = 4;

/// Bytes that are unpacked together.
const CHUNK: usize = 1 << 16;

/// The matrix of `rows x cols` codes that `bytes` hold in `rows / 4` rows of `cols` bytes, with the scale 1: bits
/// `2i + 1` and `2i` of byte `[r, c]` are the code of row `i * rows / 4 + r`, column `c`.
///
/// Source: `unpack_weights` of HF transformers' `integrations/bitnet.py`.
///
/// # Errors
/// A [`PackingError`] where the rows are not a multiple of 4, there are not `rows / 4 * cols` bytes, a code is 3, or
/// the dimensions are not those of a matrix.
pub fn ternary_from_packed_rows(rows: usize, cols: usize, bytes: &[u8]) -> Result<Packed<I2S>, PackingError> {
    const NAME: &str = "u8";
    let elements = product_within(&[rows, cols], MAX_ELEMENTS);
    let expected = elements.filter(|_| rows.is_multiple_of(ROWS_PER_BYTE)).map(|n| n / ROWS_PER_BYTE);
    if expected != Some(bytes.len()) {
        let expected = expected.unwrap_or(rows.div_ceil(ROWS_PER_BYTE).saturating_mul(cols));
        return Err(PackingError::Length { packing: NAME, rows, cols, expected, found: bytes.len() });
    }
    let code = |byte: u8, field: usize| byte >> (2 * field) & 3;
    let has_code_3 = |byte: &u8| byte & byte >> 1 & 0x55 != 0;
    if let Some(offset) = parallel::position(bytes, has_code_3) {
        let element = (0..ROWS_PER_BYTE).find(|field| code(bytes[offset], *field) == 3).expect("one is 3");
        let fault = BlockFault::Code { element };
        return Err(PackingError::Block { packing: NAME, row: offset / cols, block: offset % cols, offset, fault });
    }
    let mut codes = vec![0; rows * cols];
    for (field, codes) in codes.chunks_exact_mut(bytes.len().max(1)).enumerate() {
        let codes_of = |_: &mut (), _, codes: &mut [u8], bytes: &[u8]| {
            codes.iter_mut().zip(bytes).for_each(|(to, byte)| *to = code(*byte, field));
        };
        parallel::for_each_pair((codes, CHUNK), (bytes, CHUNK), 1, || (), codes_of);
    }
    Packed::pack(rows, cols, &codes, PackScales::One(1.0))
}

/// The matrix of weights -1, 0 and 1 that `bytes` hold row by row, one in each as an `i8`, with the scale 1.
///
/// # Errors
/// A [`PackingError`] where there are not `rows * cols` bytes, one of them is another number, or the dimensions are not
/// those of a matrix.
pub fn ternary_from_int8(rows: usize, cols: usize, bytes: &[u8]) -> Result<Packed<I2S>, PackingError> {
    let codes: Vec<u8> = bytes.iter().map(|byte| byte.wrapping_add(1)).collect();
    Packed::pack(rows, cols, &codes, PackScales::One(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the documentation of `unpack_weights`: eight rows of two columns in two rows of bytes.
    #[test]
    fn packed_rows_are_those_of_the_example() {
        let bytes = [0b1010_0001, 0b0001_1000, 0b1001_0000, 0b0000_1010];
        let expected = [[0, -1], [-1, 1], [-1, 1], [-1, 1], [1, 0], [0, -1], [1, -1], [1, -1]];
        let matrix = ternary_from_packed_rows(8, 2, &bytes).expect("codes");
        let mut row = [0.0; 2];
        for (index, expected) in expected.into_iter().enumerate() {
            matrix.decode_row(index, &mut row);
            assert_eq!(row, expected.map(|weight| weight as f32), "row {index}");
        }
    }

    #[test]
    fn single_bytes_are_weights() {
        let matrix = ternary_from_int8(1, 3, &[255, 0, 1]).expect("codes");
        let mut row = [0.0; 3];
        matrix.decode_row(0, &mut row);
        assert_eq!(row, [-1.0, 0.0, 1.0]);
        assert!(matches!(ternary_from_int8(1, 3, &[255, 2, 1]), Err(PackingError::Code { element: 1, .. })));
    }

    #[test]
    fn damaged_codes_and_wrong_lengths_are_refused() {
        let error = ternary_from_packed_rows(8, 3, &[0, 0, 0, 0, 0b0011_0101, 0]).unwrap_err();
        let fault = BlockFault::Code { element: 2 };
        assert_eq!(error, PackingError::Block { packing: "u8", row: 1, block: 1, offset: 4, fault });
        for (rows, cols, bytes) in [(8, 3, 5), (6, 2, 3), (0, 3, 0), (usize::MAX & !3, 3, 8)] {
            assert!(ternary_from_packed_rows(rows, cols, &vec![0; bytes]).is_err(), "{rows} x {cols}");
        }
    }
}
