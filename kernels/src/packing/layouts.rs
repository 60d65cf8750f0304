//! Ternary layouts that files have and kernels do not read: they are repacked once, when a file is loaded.
//!
//! What belongs here: where codes and scales lie in these layouts, and the way from them to codes and scales of rows.
//! What does not: the packings that kernels read (their own files), and which of them a file becomes
//! ([`crate::Matrix::repack`]).
//!
//! Sources: `quantize_i2_s` of microsoft/BitNet `src/ggml-bitnet-mad.cpp` (the packings of I2_S); `block_iq1_bn`,
//! `block_iq2_bn` and `repack_iq2_bn` of ik_llama.cpp; `block_stq1_0` of llama.cpp's pull request 22836.

use alloc::vec::Vec;
use core::fmt;

use super::stq1_0;
use super::{BlockFault, MAX_COLS, PackingError, ZERO_CODE};
use crate::machine::parallel;
use crate::simd::floats::widen_f16;
use trine_memory::{MAX_ELEMENTS, product_within};

/// Which of its three packings an I2_S tensor has. They have the same type number and the same length, so a file does
/// not tell: who has the file says which program wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum I2sPacking {
    /// Blocks of 128 columns in 32 bytes: published files, Microsoft's converter, bitnet.cpp on x86.
    #[default]
    X86,
    /// Blocks of 64 columns in 16 bytes: bitnet.cpp on ARM since November 2025.
    Arm,
    /// Bytes of one column of four rows: bitnet.cpp on x86 where it was built without `ACT_PARALLEL`.
    Interleaved4,
}

/// A ternary layout of files that no kernel reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TernaryLayout {
    /// I2_S as bitnet.cpp writes it on ARM: blocks of 64 columns in 16 bytes; byte `p` has the columns `p`, `16 + p`,
    /// `32 + p`, `48 + p` from its high to its low bits; one f32 scale in the 32 bytes after the codes.
    I2sArm,
    /// I2_S with four rows interleaved: byte `c` of a group of four rows has column `c` of each, the first row in the
    /// high bits; one f32 scale in the 32 bytes after the codes.
    I2sInterleaved4,
    /// IQ1_BN: an f16 scale for each row, then 13 bytes for 64 columns in base 3.
    Iq1Bn,
    /// IQ2_BN: an f32 scale for each row, then 16 bytes for 64 columns; byte `j` has the columns `j`, `16 + j`,
    /// `32 + j`, `48 + j` from its low to its high bits.
    Iq2Bn,
    /// IQ2_BN_R4: IQ2_BN with four rows interleaved: their four scales, then 64 bytes for 64 columns; byte
    /// `16 l + 4 r + i` has the columns `16 l + i + 4 j` of row `r` for `j` from 0 in its low bits to 3.
    Iq2BnR4,
    /// STQ1_0: blocks of 256 columns in 42 bytes, of which 64 groups of four have one zero each: 32 bytes of nibbles,
    /// the even groups in the low ones; 8 bytes of signs, that of group `g` in bit `g % 8` of byte `g / 8`; an f16
    /// scale. Group `g` has the columns `64 (g / 16) + g % 16 + 16 p` for `p` from 0 to 3.
    Stq1_0,
}

/// The sizes of a layout.
struct Sizes {
    name: &'static str,
    /// Rows that share bytes.
    rows: usize,
    /// Columns of a block.
    block: usize,
    /// Bytes of a block of a row.
    bytes: usize,
    scale: ScalePlace,
}

/// Where scales are.
#[derive(Clone, Copy, PartialEq)]
enum ScalePlace {
    /// One, in the bytes after the codes.
    Trailer,
    /// One for each row, of so many bytes; all those of a group of rows before its codes.
    Row(usize),
    /// One for each block, an f16 at its end.
    Block,
}

/// Columns of a block, in all layouts but STQ1_0.
const BLOCK: usize = 64;

/// Bytes after the codes of I2_S; the first four are the scale.
const TRAILER: usize = 32;

/// A matrix in codes, row by row, with a scale for each run of columns.
#[derive(Debug, PartialEq)]
pub(crate) struct Unpacked {
    pub codes: Vec<u8>,
    pub scales: Vec<f32>,
    /// Columns of a run: a whole row, or a block.
    pub run: usize,
}

impl TernaryLayout {
    const fn sizes(self) -> Sizes {
        let (name, rows, block, bytes, scale) = match self {
            TernaryLayout::I2sArm => ("i2_s (arm)", 1, BLOCK, 16, ScalePlace::Trailer),
            TernaryLayout::I2sInterleaved4 => ("i2_s (interleaved4)", 4, BLOCK, 16, ScalePlace::Trailer),
            TernaryLayout::Iq1Bn => ("iq1_bn", 1, BLOCK, 13, ScalePlace::Row(2)),
            TernaryLayout::Iq2Bn => ("iq2_bn", 1, BLOCK, 16, ScalePlace::Row(4)),
            TernaryLayout::Iq2BnR4 => ("iq2_bn_r4", 4, BLOCK, 16, ScalePlace::Row(4)),
            TernaryLayout::Stq1_0 => ("stq1_0", 1, stq1_0::COLUMNS, stq1_0::BYTES, ScalePlace::Block),
        };
        Sizes { name, rows, block, bytes, scale }
    }

    /// The name in lower case, as GGUF tools spell it, with the packing where there are several.
    pub fn name(self) -> &'static str {
        self.sizes().name
    }

    /// Codes and scales of a whole matrix, checked.
    ///
    /// # Errors
    /// A [`PackingError`]: dimensions that the layout does not have, a wrong length, a code of 3, a scale that is not
    /// finite, or one that is 0 over weights that are not.
    pub(crate) fn unpack(self, rows: usize, cols: usize, bytes: &[u8]) -> Result<Unpacked, PackingError> {
        let Sizes { name: packing, rows: group, block, scale, .. } = self.sizes();
        if rows == 0 || !(1..=MAX_COLS).contains(&cols) || product_within(&[rows, cols], MAX_ELEMENTS).is_none() {
            return Err(PackingError::Dimensions { packing, rows, cols, max_cols: MAX_COLS });
        }
        if !cols.is_multiple_of(block) {
            return Err(PackingError::Columns { packing, cols, multiple: block });
        }
        if !rows.is_multiple_of(group) {
            return Err(PackingError::Rows { packing, rows, multiple: group });
        }
        let row_bytes = self.row_bytes(cols);
        let trailer = if scale == ScalePlace::Trailer { TRAILER } else { 0 };
        let expected = rows.checked_mul(row_bytes).and_then(|all| all.checked_add(trailer)).unwrap_or(usize::MAX);
        if bytes.len() != expected {
            return Err(PackingError::Length { packing, rows, cols, expected, found: bytes.len() });
        }
        let (rows_of_bytes, trailer) = bytes.split_at(rows * row_bytes);
        let mut codes = vec![0; rows * cols];
        let before = group * self.row_scale_bytes();
        let (to, from) = ((&mut codes[..], group * cols), (rows_of_bytes, group * row_bytes));
        let codes_of = |_: &mut (), _, codes: &mut [u8], bytes: &[u8]| self.codes(&bytes[before..], cols, codes);
        parallel::for_each_pair(to, from, 16, || (), codes_of);
        let scales: Vec<f32> = match scale {
            ScalePlace::Trailer => {
                vec![f32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]); rows]
            }
            ScalePlace::Row(scale) => self.row_scales(rows, row_bytes, scale, rows_of_bytes),
            ScalePlace::Block => rows_of_bytes.chunks_exact(stq1_0::BYTES).map(stq1_0::scale).collect(),
        };
        let run = if scale == ScalePlace::Block { block } else { cols };
        if scale == ScalePlace::Block {
            // Every group has weights besides its zero, which a scale of 0 takes back.
            let blocks = codes.chunks_exact_mut(run).zip(&scales).filter(|(_, scale)| **scale == 0.0);
            blocks.for_each(|(codes, _)| codes.fill(ZERO_CODE));
        }
        let unpacked = Unpacked { codes, scales, run };
        self.check(cols, &unpacked)?;
        Ok(unpacked)
    }

    /// Bytes of a row: its codes and its scale.
    fn row_bytes(self, cols: usize) -> usize {
        cols / self.sizes().block * self.sizes().bytes + self.row_scale_bytes()
    }

    /// Bytes of a row before its blocks.
    fn row_scale_bytes(self) -> usize {
        match self.sizes().scale {
            ScalePlace::Row(bytes) => bytes,
            ScalePlace::Trailer | ScalePlace::Block => 0,
        }
    }

    fn row_scales(self, rows: usize, row_bytes: usize, scale: usize, bytes: &[u8]) -> Vec<f32> {
        let Sizes { rows: group, .. } = self.sizes();
        let at = |row: usize| &bytes[row / group * group * row_bytes + row % group * scale..][..scale];
        let of_row = |row| match *at(row) {
            [a, b] => widen_f16(u16::from_le_bytes([a, b])),
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            _ => unreachable!("scales are f16 or f32"),
        };
        (0..rows).map(of_row).collect()
    }

    /// Decodes the codes of a group of rows: `out` is `[rows of a group, cols]`.
    fn codes(self, bytes: &[u8], cols: usize, out: &mut [u8]) {
        match self {
            TernaryLayout::I2sArm => planes(bytes, out, [6, 4, 2, 0]),
            TernaryLayout::Iq2Bn => planes(bytes, out, [0, 2, 4, 6]),
            TernaryLayout::I2sInterleaved4 => {
                for (row, out) in out.chunks_exact_mut(cols).enumerate() {
                    out.iter_mut().zip(bytes).for_each(|(code, byte)| *code = byte >> (6 - 2 * row) & 3);
                }
            }
            TernaryLayout::Iq2BnR4 => {
                for (row, out) in out.chunks_exact_mut(cols).enumerate() {
                    for (out, bytes) in out.chunks_exact_mut(16).zip(bytes.chunks_exact(16)) {
                        for (n, code) in out.iter_mut().enumerate() {
                            *code = bytes[4 * row + n % 4] >> (2 * (n / 4)) & 3;
                        }
                    }
                }
            }
            TernaryLayout::Iq1Bn => {
                for (out, bytes) in out.chunks_exact_mut(BLOCK).zip(bytes.chunks_exact(13)) {
                    base_3(bytes, out);
                }
            }
            TernaryLayout::Stq1_0 => {
                for (out, bytes) in out.chunks_exact_mut(stq1_0::COLUMNS).zip(bytes.chunks_exact(stq1_0::BYTES)) {
                    stq1_0::codes(bytes, out);
                }
            }
        }
    }

    /// Looks for codes of 3 and for scales that are none.
    fn check(self, cols: usize, Unpacked { codes, scales, run }: &Unpacked) -> Result<(), PackingError> {
        let Sizes { name: packing, rows: group, bytes, scale: place, .. } = self.sizes();
        for (index, (codes, &scale)) in codes.chunks_exact(*run).zip(scales).enumerate() {
            let fault = if codes.iter().any(|&code| code > 2) {
                codes.iter().position(|&code| code > 2).map(|element| BlockFault::Code { element })
            } else {
                BlockFault::of_scale(scale, || codes.iter().position(|&code| code != ZERO_CODE))
            };
            if let Some(fault) = fault {
                if place == ScalePlace::Trailer && !scale.is_finite() {
                    return Err(PackingError::Scale { packing, offset: codes.len() / 4 * scales.len(), found: scale });
                }
                let (row, block) = (index / (cols / run), index % (cols / run));
                let offset = row / group * group * self.row_bytes(cols) + block * bytes;
                return Err(PackingError::Block { packing, row, block, offset, fault });
            }
        }
        Ok(())
    }
}

impl fmt::Display for TernaryLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Blocks of 64 codes in 16 bytes: field `n` of byte `p`, `shifts[n]` bits from the low end, is code `16 n + p`.
fn planes(bytes: &[u8], out: &mut [u8], shifts: [u32; 4]) {
    for (out, bytes) in out.chunks_exact_mut(BLOCK).zip(bytes.chunks_exact(16)) {
        for (out, shift) in out.chunks_exact_mut(16).zip(shifts) {
            out.iter_mut().zip(bytes).for_each(|(code, byte)| *code = byte >> shift & 3);
        }
    }
}

/// 64 codes in 13 bytes of IQ1_BN. Sixteen codes are three bytes of five, and one digit of the last byte.
fn base_3(bytes: &[u8], out: &mut [u8]) {
    for (group, out) in out.chunks_exact_mut(16).enumerate() {
        for (n, code) in out.iter_mut().take(15).enumerate() {
            *code = digit(bytes[3 * group + n / 5], n % 5);
        }
        out[15] = digit(bytes[12], group);
    }
}

/// Digit `n` of a byte that is five digits in base 3, scaled to 256; the first is the least significant.
fn digit(byte: u8, n: usize) -> u8 {
    const POWERS: [u8; 5] = [81, 27, 9, 3, 1];
    ((u16::from(byte.wrapping_mul(POWERS[n])) * 3) >> 8) as u8
}
