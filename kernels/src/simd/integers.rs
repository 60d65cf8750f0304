//! The integer operations that products of quantized dense matrices need, sixteen lanes at a time on every instruction
//! set.
//!
//! What belongs here: the trait, with the meaning and the bounds of each operation, and its implementation in plain
//! Rust. What does not: products ([`crate::product::dense`]), the operations of ternary products
//! ([`Vector`](super::Vector)).
//!
//! Within the stated bounds every operation is exact, so every instruction set gives the same bits.

use super::floats::{Floats, LANES, Portable, widen_f16};

/// Bytes of a vector.
pub(crate) const BYTES: usize = 64;

/// Proof that an instruction set is present, and its operations on 64 bytes: lane `j` has the bytes `4 j..4 j + 4`.
pub(crate) trait Integers: Copy {
    /// The float operations of the same instruction set.
    type Floats: Floats;
    /// 64 bytes, signed or not.
    type Bytes: Copy;
    /// For each lane the sum of its four products, in parts that only these operations know.
    type Dots: Copy;
    /// A factor for each lane.
    type Weights: Copy;
    /// Sixteen `i32`.
    type Sums: Copy;

    /// The proof for float operations.
    fn floats(self) -> Self::Floats;

    /// Reads 64 signed bytes.
    fn load(self, from: &[i8; BYTES]) -> Self::Bytes;

    /// `64 / COUNT` bytes from byte `AT` of each of `COUNT` blocks of `STRIDE` bytes. `COUNT` is 1, 2 or 4.
    fn runs<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> Self::Bytes;

    /// The half-precision number at byte `AT` of each of `COUNT` blocks of `STRIDE >= 16` bytes, `AT <= 2`: number `b`
    /// in `16 / COUNT` lanes. `COUNT` is 2 or 4.
    fn halves<const COUNT: usize, const STRIDE: usize, const AT: usize>(
        self,
        blocks: &[u8],
    ) -> <Self::Floats as Floats>::F32x16;

    /// The low and the high four bits of each byte.
    fn nibbles(self, bytes: Self::Bytes) -> [Self::Bytes; 2];

    /// Six-bit codes: the low and the high nibbles of `low`, below two bits of `upper`. Bits `2 k` and `2 k + 1` of
    /// byte `l` of `upper` belong to code `l + 32 (k % 2)` of result `k / 2`.
    fn six_bits(self, low: Self::Bytes, upper: &[u8; 32]) -> [Self::Bytes; 2];

    /// The products of unsigned bytes up to 63 with signed bytes in -127..=127.
    fn dot(self, codes: Self::Bytes, x: Self::Bytes) -> Self::Dots;

    /// The products of signed bytes with signed bytes in -127..=127.
    fn dot_signed(self, codes: Self::Bytes, x: Self::Bytes) -> Self::Dots;

    /// `a + b`, where each lane of both is the sum of four products of magnitude up to `31 * 127`.
    fn add_dots(self, a: Self::Dots, b: Self::Dots) -> Self::Dots;

    /// `255 * high + low`.
    fn combine(self, high: Self::Dots, low: Self::Dots) -> Self::Sums;

    /// 255 times the sum of [`Integers::dot`] of each of `codes` with its part of `high`, and that with `low`. Codes
    /// are at most 63 where they are one vector, and 31 where they are two.
    #[inline(always)]
    fn dot_of_planes<const N: usize>(
        self,
        codes: [Self::Bytes; N],
        high: [Self::Bytes; N],
        low: [Self::Bytes; N],
    ) -> Self::Sums {
        const { assert!(N == 1 || N == 2) };
        let mut dots = [self.dot(codes[0], high[0]), self.dot(codes[0], low[0])];
        for v in 1..N {
            dots[0] = self.add_dots(dots[0], self.dot(codes[v], high[v]));
            dots[1] = self.add_dots(dots[1], self.dot(codes[v], low[v]));
        }
        self.combine(dots[0], dots[1])
    }

    /// Factors for four vectors: factor `g` for the four lanes `4 (g % 4)..4 (g % 4) + 4` of vector `g / 4`.
    fn group_weights(self, factors: &[i8; 16]) -> [Self::Weights; 4];

    /// `sums + dots * weights`, where each lane of `dots` is the sum of four products of magnitude up to `63 * 127`.
    fn weigh(self, dots: Self::Dots, weights: Self::Weights, sums: Self::Sums) -> Self::Sums;

    /// In lane `j < 8`, `a[2 j] * b[2 j] + a[2 j + 1] * b[2 j + 1]`; 0 in the others.
    fn pair_products(self, a: &[i8; 16], b: &[i16; 16]) -> Self::Sums;

    /// Zeros.
    fn zero(self) -> Self::Sums;

    /// Reads sixteen `i32`.
    fn load_sums(self, from: &[i32; LANES]) -> Self::Sums;

    /// `a - b`.
    fn sub(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;

    /// In lane `4 v + q`, the sum of the lanes `4 q..4 q + 4` of vector `v`.
    fn sum_quads(self, vectors: [Self::Sums; 4]) -> Self::Sums;

    /// Each lane as a float, rounded to nearest.
    fn to_f32(self, sums: Self::Sums) -> <Self::Floats as Floats>::F32x16;
}

/// An instruction set whose products of words are worth making words of bytes for several tokens: not where the
/// products of bytes are several times as many.
pub(crate) trait Words: Integers {
    /// 64 words: lane `j` has four.
    type Words: Copy;

    /// The signed bytes as words.
    fn words(self, bytes: Self::Bytes) -> Self::Words;

    /// `sums` and the products of the words of each lane `j`: the even ones of its bytes meet entries `2 j` and
    /// `2 j + 1` of `x`, the odd ones those that are 32 further. Sums stay within `i32`.
    fn add_word_products(self, words: Self::Words, x: &[i16; BYTES], sums: Self::Sums) -> Self::Sums;

    /// Lane `4 i + v` of vector `q` is lane `4 i + q` of vector `v`.
    fn transpose_quads(self, vectors: [Self::Bytes; 4]) -> [Self::Bytes; 4];

    /// Lane `4 a + b` is lane `4 b + a`.
    fn swap_quads(self, v: <Self::Floats as Floats>::F32x16) -> <Self::Floats as Floats>::F32x16;
}

/// Words of two bytes in 64, in the byte order of the machine: operations treat both bytes alike, so it does not matter
/// which comes first. Compilers vectorise words, and not bytes, on every machine.
const WORDS: usize = BYTES / 2;

/// The two bytes of a word as signed numbers.
#[inline(always)]
fn signed(word: u16) -> [i16; 2] {
    [(word << 8) as i16 >> 8, word as i16 >> 8]
}

/// Loops, not array methods with closures: those are not always inlined into a kernel.
impl Integers for Portable {
    type Floats = Portable;
    type Bytes = [u16; WORDS];
    /// The sum of the two products of each word, which `i16` holds.
    type Dots = [i16; WORDS];
    type Weights = [i16; WORDS];
    type Sums = [i32; LANES];

    #[inline(always)]
    fn floats(self) -> Portable {
        self
    }

    #[inline(always)]
    fn load(self, from: &[i8; BYTES]) -> [u16; WORDS] {
        let mut words = [0; WORDS];
        for (word, from) in words.iter_mut().zip(from.as_chunks::<2>().0) {
            *word = u16::from_ne_bytes([from[0] as u8, from[1] as u8]);
        }
        words
    }

    #[inline(always)]
    fn runs<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> [u16; WORDS] {
        let mut words = [0; WORDS];
        for (b, words) in words.chunks_exact_mut(WORDS / COUNT).enumerate() {
            let run = &blocks[b * STRIDE + AT..][..BYTES / COUNT];
            for (word, from) in words.iter_mut().zip(run.as_chunks().0) {
                *word = u16::from_ne_bytes(*from);
            }
        }
        words
    }

    #[inline(always)]
    fn halves<const COUNT: usize, const STRIDE: usize, const AT: usize>(self, blocks: &[u8]) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        for (b, lanes) in lanes.chunks_exact_mut(LANES / COUNT).enumerate() {
            lanes.fill(widen_f16(u16::from_le_bytes([blocks[b * STRIDE + AT], blocks[b * STRIDE + AT + 1]])));
        }
        lanes
    }

    #[inline(always)]
    fn nibbles(self, words: [u16; WORDS]) -> [[u16; WORDS]; 2] {
        let (mut low, mut high) = (words, words);
        for (low, high) in low.iter_mut().zip(&mut high) {
            *low &= 0x0f0f;
            *high = *high >> 4 & 0x0f0f;
        }
        [low, high]
    }

    #[inline(always)]
    fn six_bits(self, low: [u16; WORDS], upper: &[u8; 32]) -> [[u16; WORDS]; 2] {
        let [mut first, mut second] = self.nibbles(low);
        for (i, upper) in upper.as_chunks().0.iter().enumerate() {
            let upper = u16::from_ne_bytes(*upper);
            first[i] |= upper << 4 & 0x3030;
            first[i + 16] |= upper << 2 & 0x3030;
            second[i] |= upper & 0x3030;
            second[i + 16] |= upper >> 2 & 0x3030;
        }
        [first, second]
    }

    #[inline(always)]
    fn dot(self, codes: [u16; WORDS], x: [u16; WORDS]) -> [i16; WORDS] {
        let mut dots = [0; WORDS];
        for ((dot, codes), x) in dots.iter_mut().zip(codes).zip(x) {
            let [low, high] = signed(x);
            *dot = (codes & 0xff) as i16 * low + (codes >> 8) as i16 * high;
        }
        dots
    }

    #[inline(always)]
    fn dot_signed(self, codes: [u16; WORDS], x: [u16; WORDS]) -> [i16; WORDS] {
        let mut dots = [0; WORDS];
        for ((dot, codes), x) in dots.iter_mut().zip(codes).zip(x) {
            let (codes, x) = (signed(codes), signed(x));
            *dot = codes[0] * x[0] + codes[1] * x[1];
        }
        dots
    }

    #[inline(always)]
    fn add_dots(self, a: [i16; WORDS], b: [i16; WORDS]) -> [i16; WORDS] {
        let mut sums = a;
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum += b;
        }
        sums
    }

    #[inline(always)]
    fn combine(self, high: [i16; WORDS], low: [i16; WORDS]) -> [i32; LANES] {
        let mut sums = [0; LANES];
        for (lane, sum) in sums.iter_mut().enumerate() {
            let pair = |dots: &[i16; WORDS]| i32::from(dots[2 * lane]) + i32::from(dots[2 * lane + 1]);
            *sum = 255 * pair(&high) + pair(&low);
        }
        sums
    }

    #[inline(always)]
    fn group_weights(self, factors: &[i8; 16]) -> [[i16; WORDS]; 4] {
        let mut weights = [[0; WORDS]; 4];
        for (g, factor) in factors.iter().enumerate() {
            weights[g / 4][8 * (g % 4)..][..8].fill(i16::from(*factor));
        }
        weights
    }

    #[inline(always)]
    fn weigh(self, dots: [i16; WORDS], weights: [i16; WORDS], sums: [i32; LANES]) -> [i32; LANES] {
        let mut sums = sums;
        for (lane, sum) in sums.iter_mut().enumerate() {
            let product = |word: usize| i32::from(dots[word]) * i32::from(weights[word]);
            *sum += product(2 * lane) + product(2 * lane + 1);
        }
        sums
    }

    #[inline(always)]
    fn pair_products(self, a: &[i8; 16], b: &[i16; 16]) -> [i32; LANES] {
        let mut sums = [0; LANES];
        for i in 0..16 {
            sums[i / 2] += i32::from(a[i]) * i32::from(b[i]);
        }
        sums
    }

    #[inline(always)]
    fn zero(self) -> [i32; LANES] {
        [0; LANES]
    }

    #[inline(always)]
    fn load_sums(self, from: &[i32; LANES]) -> [i32; LANES] {
        *from
    }

    #[inline(always)]
    fn sub(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        let mut sums = a;
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum -= b;
        }
        sums
    }

    #[inline(always)]
    fn sum_quads(self, vectors: [[i32; LANES]; 4]) -> [i32; LANES] {
        let mut sums = [0; LANES];
        for (v, vector) in vectors.iter().enumerate() {
            for (lane, value) in vector.iter().enumerate() {
                sums[4 * v + lane / 4] += value;
            }
        }
        sums
    }

    #[inline(always)]
    fn to_f32(self, sums: [i32; LANES]) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        for (lane, sum) in lanes.iter_mut().zip(sums) {
            *lane = sum as f32;
        }
        lanes
    }
}
