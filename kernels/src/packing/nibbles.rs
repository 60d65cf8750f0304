//! What the products of the four-bit packings with 16-bit activations share: four blocks of 32 columns in a step.
//!
//! What belongs here: the order of the columns in a step, and its integer dot products. What does not: scales, minima,
//! layouts of blocks.

use crate::arch::floats::LANES;
use crate::arch::integers::{BYTES, Integers};
use crate::dense::Planes;
use crate::quantize::BLOCK as COLUMNS;

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
pub(super) fn dot<I: Integers>(integers: I, codes: [I::Bytes; 2], planes: &[Planes; 4], step: usize) -> I::Sums {
    let (low, high) = (&planes[2 * step], &planes[2 * step + 1]);
    let upper = integers
        .add_dots(integers.dot(codes[0], integers.load(&low.high)), integers.dot(codes[1], integers.load(&high.high)));
    let lower = integers
        .add_dots(integers.dot(codes[0], integers.load(&low.low)), integers.dot(codes[1], integers.load(&high.low)));
    integers.combine(upper, lower)
}
