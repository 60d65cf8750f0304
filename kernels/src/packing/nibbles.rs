//! What packings of 32 codes with four or five bits share: the codes of a block, and, for products with 16-bit
//! activations, the order of the columns in a step of four blocks and its products.
//!
//! What belongs here: codes, and how a step adds to its parts. What does not: layouts of blocks.

use super::{ActivationBlock, Int16Packing, Planes};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES};
use crate::simd::integers::{BYTES, Integers};

/// Columns of a step: those of the low nibbles of four blocks, then those of the high nibbles.
const STEP: usize = 2 * BYTES;

/// The column whose activation is at `position`.
#[inline(always)]
pub(super) fn column(position: usize) -> usize {
    let (step, high) = (position / STEP, position % STEP / BYTES);
    let (block, byte) = (position % BYTES / 16, position % 16);
    STEP * step + 32 * block + 16 * high + byte
}

/// What `of_sum` makes of the sum of the activations of each lane, for each step.
#[inline(always)]
pub(super) fn sums<T: Copy + Default>(codes: &[i16; COLUMNS], of_sum: impl Fn(i32) -> T) -> [[T; LANES]; 2] {
    let mut sums = [[T::default(); LANES]; 2];
    for (sums, codes) in sums.iter_mut().zip(codes.as_chunks::<STEP>().0) {
        for (lane, made) in sums.iter_mut().enumerate() {
            let mut sum = 0;
            for i in 0..4 {
                let low = 32 * (lane / 4) + 4 * (lane % 4) + i;
                sum += i32::from(codes[low]) + i32::from(codes[low + 16]);
            }
            *made = of_sum(sum);
        }
    }
    sums
}

/// The sums of code times activation of a step, for the codes of its low and its high nibbles.
#[inline(always)]
fn dot<I: Integers>(integers: I, codes: [I::Bytes; 2], planes: &[Planes; 4], step: usize) -> I::Sums {
    let (first, second) = (&planes[2 * step], &planes[2 * step + 1]);
    let high = [integers.load(&first.high), integers.load(&second.high)];
    let low = [integers.load(&first.low), integers.load(&second.low)];
    integers.dot_of_planes(codes, high, low)
}

/// The vectors of `f32` beside the integers `I`.
type Vector<I> = <<I as Integers>::Floats as Floats>::F32x16;

/// Adds the products of a step to the parts of each token, for `w = (q - zero) d`: the sums of activations are those
/// that `zero` stands for.
#[inline(always)]
pub(super) fn add_centred<I: Integers, P: Int16Packing<Sums = [[i32; LANES]; 2]>, const T: usize>(
    integers: I,
    codes: [I::Bytes; 2],
    scales: Vector<I>,
    (x, step): ([&ActivationBlock<P>; T], usize),
    parts: &mut [Vector<I>; T],
) {
    let floats = integers.floats();
    for t in 0..T {
        let dots = dot(integers, codes, &x[t].planes, step);
        let dots = integers.sub(dots, integers.load_sums(&x[t].sums[step]));
        parts[t] = floats.add(parts[t], floats.mul(integers.to_f32(dots), scales));
    }
}

/// The same for `w = q d + m`.
#[inline(always)]
pub(super) fn add_with_minima<I: Integers, P: Int16Packing<Sums = [[f32; LANES]; 2]>, const T: usize>(
    integers: I,
    codes: [I::Bytes; 2],
    (scales, minima): (Vector<I>, Vector<I>),
    (x, step): ([&ActivationBlock<P>; T], usize),
    parts: &mut [Vector<I>; T],
) {
    let floats = integers.floats();
    for t in 0..T {
        let dots = dot(integers, codes, &x[t].planes, step);
        parts[t] = floats.add(parts[t], floats.mul(integers.to_f32(dots), scales));
        parts[t] = floats.add(parts[t], floats.mul(floats.load(&x[t].sums[step]), minima));
    }
}

/// For each byte its eight bits, from the lowest, as bytes 0 and 1.
static BITS: [u64; 256] = {
    let mut bits = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            bits[byte] |= ((byte >> bit & 1) as u64) << (8 * bit);
            bit += 1;
        }
        byte += 1;
    }
    bits
};

/// The five-bit codes of the low nibbles of a block (`half` 0) or of the high ones (1). Bit `e` of `fifth` is the
/// upper bit of code `e` of the block.
#[inline(always)]
pub(super) fn five_bits(nibbles: &[u8; 16], fifth: &[u8; 4], half: usize) -> [i8; 16] {
    let bits = [2 * half, 2 * half + 1].map(|byte| BITS[usize::from(fifth[byte])].to_le_bytes());
    let mut codes = [0; 16];
    for (e, code) in codes.iter_mut().enumerate() {
        *code = (nibbles[e] >> (4 * half) & 15 | bits[e / 8][e % 8] << 4) as i8;
    }
    codes
}

/// The codes of a step of four blocks of `STRIDE` bytes, whose fifth bits begin at byte `FIFTH` and whose nibbles at
/// byte `NIBBLES`: those of the low nibbles, then those of the high ones.
#[inline(always)]
pub(super) fn five_bits_of_step<I: Integers, const STRIDE: usize, const FIFTH: usize, const NIBBLES: usize>(
    integers: I,
    blocks: &[u8],
) -> [I::Bytes; 2] {
    let bits = |block: usize, byte: usize| BITS[usize::from(blocks[block * STRIDE + FIFTH + byte])];
    let mut upper = [0; 32];
    for (i, upper) in upper.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let (block, byte) = (i / 2, i % 2);
        let low = bits(block, byte) | bits(block + 2, byte) << 2;
        let high = bits(block, byte + 2) << 4 | bits(block + 2, byte + 2) << 6;
        *upper = (low | high).to_le_bytes();
    }
    integers.six_bits(integers.runs::<4, STRIDE, NIBBLES>(blocks), &upper)
}
