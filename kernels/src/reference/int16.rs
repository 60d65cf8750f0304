//! Products of quantized dense matrices with 16-bit activations as plain loops, bit for bit as the kernels.
//!
//! What belongs here: quantization to sixteen bits, and each packing read by its definition, element by element. What
//! does not: kernels ([`crate::product::dense`]).

use half::f16;

use super::float::lane_sum;
use crate::product::matrix::PackingKind;

/// Columns that share a scale of activations.
const BLOCK: usize = 256;

/// One element of a matrix: `w = d * scale * code + minimum`; of Q4_K and Q5_K `d * scale * code - minimum * offset`.
struct Element {
    code: i32,
    scale: i32,
    offset: i32,
    d: f32,
    minimum: f32,
}

/// A number of half precision at byte `at`.
fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// Element `column` of a row.
fn element(kind: PackingKind, row: &[u8], column: usize) -> Element {
    let of_32 = |size: usize| (&row[column / 32 * size..][..size], column % 32);
    let nibble = |codes: &[u8], e: usize| i32::from(codes[e % 16] >> (4 * (e / 16)) & 15);
    let fifth = |bits: &[u8], e: usize| i32::from(bits[e / 8] >> (e % 8) & 1) << 4;
    let (scale, offset) = (1, 0);
    match kind {
        PackingKind::Q8_0 => {
            let (block, e) = of_32(34);
            Element { code: i32::from(block[2 + e] as i8), scale, offset, d: half(block, 0), minimum: 0.0 }
        }
        PackingKind::Q4_0 => {
            let (block, e) = of_32(18);
            Element { code: nibble(&block[2..], e) - 8, scale, offset, d: half(block, 0), minimum: 0.0 }
        }
        PackingKind::Q4_1 => {
            let (block, e) = of_32(20);
            Element { code: nibble(&block[4..], e), scale, offset, d: half(block, 0), minimum: half(block, 2) }
        }
        PackingKind::Q5_0 => {
            let (block, e) = of_32(22);
            let code = (nibble(&block[6..], e) | fifth(&block[2..], e)) - 16;
            Element { code, scale, offset, d: half(block, 0), minimum: 0.0 }
        }
        PackingKind::Q5_1 => {
            let (block, e) = of_32(24);
            let code = nibble(&block[8..], e) | fifth(&block[4..], e);
            Element { code, scale, offset, d: half(block, 0), minimum: half(block, 2) }
        }
        PackingKind::Q4K => of_k_block(&row[column / 256 * 144..][..144], &[0; 32], column % 256),
        PackingKind::Q5K => {
            let block = &row[column / 256 * 176..][..176];
            of_k_block(block, &block[16..48], column % 256)
        }
        PackingKind::Q6K => {
            let (block, e) = (&row[column / 256 * 210..][..210], column % 256);
            let (part, quarter, l) = (e / 128, e % 128 / 32, e % 32);
            let low = block[64 * part + 32 * (quarter % 2) + l] >> (4 * (quarter / 2)) & 15;
            let upper = block[128 + 32 * part + l] >> (2 * quarter) & 3;
            let scale = i32::from(block[192 + e / 16] as i8);
            Element { code: i32::from(low | upper << 4), scale, offset, d: half(block, 208), minimum: 0.0 }
        }
        _ => panic!("{} has no 16-bit products", kind.name()),
    }
}

/// Element `e` of a block of Q4_K or Q5_K, whose last 128 bytes are nibbles; bit `b` of byte `l` of `fifth` is the
/// fifth bit of element `l` of sub-block `b`.
fn of_k_block(block: &[u8], fifth: &[u8], e: usize) -> Element {
    let (packed, nibbles) = (&block[4..16], &block[block.len() - 128..]);
    let (b, l) = (e / 32, e % 32);
    // Scales and minima of six bits: those of the first four sub-blocks whole, the others in two parts.
    let (scale, offset) = match b {
        0..4 => (packed[b] & 63, packed[b + 4] & 63),
        _ => (packed[b + 4] & 15 | packed[b - 4] >> 6 << 4, packed[b + 4] >> 4 | packed[b] >> 6 << 4),
    };
    let code = nibbles[32 * (b / 2) + l] >> (4 * (b % 2)) & 15 | (fifth[l] >> b & 1) << 4;
    let [code, scale, offset] = [code, scale, offset].map(i32::from);
    Element { code, scale, offset, d: half(block, 0), minimum: half(block, 2) }
}

/// The codes of a row of activations, without padding, and the scale of each block of 256.
pub fn quantize(x: &[f32]) -> (Vec<i16>, Vec<f32>) {
    let (mut codes, mut scales) = (Vec::new(), Vec::new());
    for block in x.chunks(BLOCK) {
        let largest = block.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let zero = largest < 1e-30;
        let factor = if zero { 0.0 } else { 32512.0 / largest };
        codes.extend(block.iter().map(|value| (value * factor).round_ties_even() as i16));
        let scale = if zero { 0.0 } else { largest / 32512.0 };
        scales.push(if block.iter().any(|value| value.is_nan()) { f32::NAN } else { scale });
    }
    (codes, scales)
}

/// The high and the low part of a code, `255 high + low`.
fn split(code: i16) -> [i32; 2] {
    let high = (i32::from(code) + 127).div_euclid(255);
    [high, i32::from(code) - 255 * high]
}

fn part_of_q6_k(row: &[u8], first: usize, codes: &[i16]) -> [f32; 16] {
    std::array::from_fn(|group| {
        let columns = 16 * group..16 * (group + 1);
        let elements = columns.clone().map(|e| element(PackingKind::Q6K, row, first + e));
        let dot: i32 = elements.zip(&codes[columns]).map(|(element, &q)| (element.code - 32) * i32::from(q)).sum();
        let Element { d, scale, .. } = element(PackingKind::Q6K, row, first + 16 * group);
        dot as f32 * (d * scale as f32)
    })
}

fn part_of_k_block(kind: PackingKind, row: &[u8], first: usize, codes: &[i16]) -> [f32; 16] {
    let (mut sums, mut offsets) = ([[0_i32; 16]; 2], [[0_i32; 16]; 2]);
    for (e, &q) in codes.iter().enumerate() {
        let (b, l) = (e / 32, e % 32);
        let Element { code, scale, offset, .. } = element(kind, row, first + e);
        for (part, q) in split(q).into_iter().enumerate() {
            sums[part][8 * (b % 4 / 2) + l / 4] += code * scale * q;
            offsets[part][b] += offset * q;
        }
    }
    let Element { d, minimum, .. } = element(kind, row, first);
    let whole = |sums: [[i32; 16]; 2], j: usize| sums[0][j] as f32 * 255.0 + sums[1][j] as f32;
    std::array::from_fn(|j| whole(sums, j) * d - whole(offsets, j) * minimum)
}

/// The part of up to 256 columns from `first`, without the scale of the activations.
fn part(kind: PackingKind, row: &[u8], first: usize, codes: &[i16]) -> [f32; 16] {
    match kind {
        PackingKind::Q6K => return part_of_q6_k(row, first, codes),
        PackingKind::Q4K | PackingKind::Q5K => return part_of_k_block(kind, row, first, codes),
        _ => {}
    }
    let mut part = [0.0_f32; 16];
    let step = if kind == PackingKind::Q8_0 { 64 } else { 128 };
    for (s, codes) in codes.chunks(step).enumerate() {
        let (mut dots, mut sums) = ([0_i32; 16], [0_i32; 16]);
        let (mut d, mut minimum) = ([0.0_f32; 16], [0.0_f32; 16]);
        for (e, &q) in codes.iter().enumerate() {
            let lane = if step == 64 { e / 4 } else { e / 32 * 4 + e % 16 / 4 };
            let element = element(kind, row, first + s * step + e);
            dots[lane] += element.code * i32::from(q);
            sums[lane] += i32::from(q);
            (d[lane], minimum[lane]) = (element.d, element.minimum);
        }
        for j in 0..16 {
            part[j] += dots[j] as f32 * d[j];
            if matches!(kind, PackingKind::Q4_1 | PackingKind::Q5_1) {
                part[j] += sums[j] as f32 * minimum[j];
            }
        }
    }
    part
}

/// `y[t][r]`: the product of the rows of a matrix of packing `kind`, `row_bytes` each, with `x`, `[tokens][cols]`.
///
/// # Panics
/// If the packing is not quantized and dense, or a row is shorter than its columns.
pub fn product(kind: PackingKind, bytes: &[u8], row_bytes: usize, multiplier: f32, x: &[f32], cols: usize) -> Vec<f32> {
    let mut y = Vec::new();
    for x in x.chunks_exact(cols) {
        let (codes, scales) = quantize(x);
        for row in bytes.chunks_exact(row_bytes) {
            let mut lanes = [0.0; 16];
            for (b, (codes, scale)) in codes.chunks(BLOCK).zip(&scales).enumerate() {
                for (lane, part) in lanes.iter_mut().zip(part(kind, row, b * BLOCK, codes)) {
                    *lane += part * scale;
                }
            }
            y.push(lane_sum(lanes.into_iter()) * multiplier);
        }
    }
    y
}
