//! Ternary packings, quantization and products as plain loops.

/// What the scales of a ternary matrix are, in a product.
#[derive(Debug, Clone, Copy)]
pub enum WeightScales<'a> {
    /// One scale.
    Tensor(f32),
    /// One scale for each block of so many columns, `[rows][cols / columns]`.
    Blocks {
        /// Columns of a block.
        columns: usize,
        /// The scales.
        scales: &'a [f32],
    },
}

impl WeightScales<'_> {
    /// The scale of a weight.
    fn of(self, row: usize, col: usize, cols: usize) -> f32 {
        match self {
            WeightScales::Tensor(scale) => scale,
            WeightScales::Blocks { columns, scales } => scales[row * (cols / columns) + col / columns],
        }
    }
}

/// Code of element `index` of a matrix packed as I2_S: blocks of 128 elements in 32 bytes, the first in the highest
/// bits.
pub fn i2s_code(bytes: &[u8], index: usize) -> u8 {
    let (block, element) = (index / 128, index % 128);
    let shift = 6 - 2 * (element / 32);
    bytes[block * 32 + element % 32] >> shift & 3
}

/// Code of element `index` of a matrix packed as TQ2_0: blocks of 256 elements in 64 bytes and an f16 scale.
pub fn tq2_0_code(bytes: &[u8], index: usize) -> u8 {
    let (block, element) = (index / 256, index % 256);
    let byte = bytes[block * 66 + 32 * (element / 128) + element % 32];
    byte >> (2 * (element % 128 / 32)) & 3
}

/// Code of element `index` of a matrix packed as TQ1_0: blocks of 256 elements in 52 bytes and an f16 scale.
pub fn tq1_0_code(bytes: &[u8], index: usize) -> u8 {
    let (block, element) = (index / 256, index % 256);
    let (byte, digit) = match element {
        0..160 => (element % 32, element / 32),
        160..240 => (32 + (element - 160) % 16, (element - 160) / 16),
        _ => (48 + (element - 240) % 4, (element - 240) / 4),
    };
    let fraction = u32::from(bytes[block * 54 + byte]) * 3_u32.pow(digit as u32) % 256;
    (fraction * 3 / 256) as u8
}

/// Code of element `index` of a matrix packed as Q2_0 (`columns` 64) or PQ2_0 (128): blocks of an f16 scale and four
/// neighbours in each byte.
pub fn pairs_code(columns: usize, bytes: &[u8], index: usize) -> u8 {
    let (block, element) = (index / columns, index % columns);
    bytes[block * (2 + columns / 4) + 2 + element / 4] >> (2 * (element % 4)) & 3
}

/// Code of element `index` of a matrix packed as PTQ1_0: blocks of 128 elements in 26 bytes and an f16 scale.
pub fn ptq1_0_code(bytes: &[u8], index: usize) -> u8 {
    let (block, element) = (index / 128, index % 128);
    let (byte, digit) = match element {
        0..80 => (element % 16, element / 16),
        80..120 => (16 + (element - 80) % 8, (element - 80) / 8),
        _ => (24 + (element - 120) % 2, (element - 120) / 2),
    };
    let fraction = u32::from(bytes[block * 28 + byte]) * 3_u32.pow(digit as u32) % 256;
    (fraction * 3 / 256) as u8
}

/// Code, 0 or 2, of element `index` of a matrix packed as Q1_0: blocks of an f16 scale and 128 bits.
pub fn q1_0_code(bytes: &[u8], index: usize) -> u8 {
    let (block, element) = (index / 128, index % 128);
    2 * (bytes[block * 18 + 2 + element / 8] >> (element % 8) & 1)
}

/// A row quantized with one scale: codes and `s`, with `s = 127 / max(absmax, 1e-5)`, `q = clamp(round(x * s), -128,
/// 127)`.
pub fn quantize_int8(x: &[f32]) -> (Vec<i8>, f32) {
    let absmax = x.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
    let s = 127.0 / absmax.max(1e-5);
    let codes = x.iter().map(|x| (x * s).round_ties_even().clamp(-128.0, 127.0) as i8).collect();
    (codes, s)
}

/// A row quantized with one scale for each 256 columns: codes and `d`, with `i = -127 / m`,
/// `q = min(round(x * i), 127)`, `d = 1 / i`, where `m` is the value of largest magnitude, the first of equals.
pub fn quantize_q8k(x: &[f32]) -> (Vec<i8>, Vec<f32>) {
    let (mut codes, mut scales) = (Vec::new(), Vec::new());
    for block in x.chunks_exact(256) {
        let mut m = 0.0_f32;
        for &x in block {
            if x.abs() > m.abs() {
                m = x;
            }
        }
        if m == 0.0 {
            codes.extend([0; 256]);
            scales.push(0.0);
            continue;
        }
        let i = -127.0 / m;
        codes.extend(block.iter().map(|x| (x * i).round_ties_even().min(127.0) as i8));
        scales.push(1.0 / i);
    }
    (codes, scales)
}

/// A row quantized with one scale for each group of `columns`: codes and `d = m / 127`, with
/// `q = round(x * (127 / m))`, where `m` is the largest magnitude; both are 0 where `m < 1e-30`.
pub fn quantize_groups(x: &[f32], columns: usize) -> (Vec<i8>, Vec<f32>) {
    let (mut codes, mut scales) = (Vec::new(), Vec::new());
    for group in x.chunks_exact(columns) {
        let m = group.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        let (factor, scale) = if m < 1e-30 { (0.0, 0.0) } else { (127.0 / m, m / 127.0) };
        codes.extend(group.iter().map(|x| (x * factor).round_ties_even() as i8));
        scales.push(scale);
    }
    (codes, scales)
}

/// A row quantized with one scale for each 32 columns: codes and `d = m / 127` rounded to f16, with
/// `q = round(x * (127 / m))`, where `m` is the largest magnitude; both are 0 where `m` is, or its scale rounds to 0.
pub fn quantize_q8_0(x: &[f32]) -> (Vec<i8>, Vec<f32>) {
    let (mut codes, mut scales) = (Vec::new(), Vec::new());
    for block in x.chunks_exact(32) {
        let m = block.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        let scale = half::f16::from_f32(m / 127.0).to_f32();
        let factor = if scale == 0.0 || (127.0 / m).is_infinite() { 0.0 } else { 127.0 / m };
        codes.extend(block.iter().map(|x| (x * factor).round_ties_even() as i8));
        scales.push(if factor == 0.0 { 0.0 } else { scale });
    }
    (codes, scales)
}

/// Sum of `(code - 1) * q`, in i64.
fn dot(codes: &[u8], q: &[i8]) -> i64 {
    codes.iter().zip(q).map(|(&code, &q)| (i64::from(code) - 1) * i64::from(q)).sum()
}

/// `acc + dot * factor` for a segment of so many columns: below 256 the product is rounded together with the sum.
fn plus_product(acc: f32, dot: f32, factor: f32, columns: usize) -> f32 {
    if columns < 256 { dot.mul_add(factor, acc) } else { acc + dot * factor }
}

/// `y[t][r]` with one activation scale for each token. `codes` is `[rows][cols]`, `x` is `[tokens][cols]`.
///
/// With one weight scale `y = int / s * scale * multiplier`; with one for each block
/// `y = (0 + int[0] * scale[0] + int[1] * scale[1] + ...) / s * multiplier`.
pub fn product_int8(codes: &[u8], scales: WeightScales<'_>, multiplier: f32, x: &[f32], cols: usize) -> Vec<f32> {
    let mut y = Vec::new();
    for x in x.chunks_exact(cols) {
        let (q, s) = quantize_int8(x);
        for (r, row) in codes.chunks_exact(cols).enumerate() {
            y.push(match scales {
                WeightScales::Tensor(scale) => dot(row, &q) as f32 / s * scale * multiplier,
                WeightScales::Blocks { columns, .. } => {
                    let mut acc = 0.0;
                    for (b, (row, q)) in row.chunks_exact(columns).zip(q.chunks_exact(columns)).enumerate() {
                        acc = plus_product(acc, dot(row, q) as f32, scales.of(r, b * columns, cols), columns);
                    }
                    acc / s * multiplier
                }
            });
        }
    }
    y
}

/// `y[t][r]` with one activation scale for each block of columns, which `quantize` gives with the codes of a row:
/// `y = (0 + int[0] * (d[0] * scale[0]) + ...) * multiplier`, where a segment is a block of the activations or of the
/// weights, whichever is smaller; in segments of less than 256 columns products are rounded together with the sum.
/// `codes` is `[rows][cols]`, `x` is `[tokens][cols]`.
pub fn product_blocks(
    codes: &[u8],
    scales: WeightScales<'_>,
    multiplier: f32,
    x: &[f32],
    cols: usize,
    quantize: impl Fn(&[f32]) -> (Vec<i8>, Vec<f32>),
) -> Vec<f32> {
    let mut y = Vec::new();
    for x in x.chunks_exact(cols) {
        let (q, d) = quantize(x);
        let block = cols / d.len();
        let segment = match scales {
            WeightScales::Tensor(_) => block,
            WeightScales::Blocks { columns, .. } => block.min(columns),
        };
        for (r, row) in codes.chunks_exact(cols).enumerate() {
            let mut acc = 0.0;
            for (b, (row, q)) in row.chunks_exact(segment).zip(q.chunks_exact(segment)).enumerate() {
                let col = b * segment;
                acc = plus_product(acc, dot(row, q) as f32, d[col / block] * scales.of(r, col, cols), segment);
            }
            y.push(acc * multiplier);
        }
    }
    y
}

/// Codes and scale of weights quantized by their mean magnitude: `m = max(mean |w|, 1e-5)`,
/// `code = clamp(round(w * (1 / m)), -1, 1) + 1`, scale `m`. The mean is computed in f64 and rounded once.
pub fn absmean(weights: &[f32]) -> (Vec<u8>, f32) {
    let sum: f64 = weights.iter().map(|w| f64::from(w.abs())).sum();
    let m = ((sum / weights.len() as f64) as f32).max(1e-5);
    let codes = weights.iter().map(|w| ((w * (1.0 / m)).round_ties_even().clamp(-1.0, 1.0) + 1.0) as u8).collect();
    (codes, m)
}
