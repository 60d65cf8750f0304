//! What Q4_K and Q5_K share: blocks of 256 in eight sub-blocks, each with a scale and a minimum of six bits.
//!
//! What belongs here: the head of a block, its arithmetic and the order of its columns. What does not: where codes lie
//! beyond their nibbles ([`super::q4_k`], [`super::q5_k`]).
//!
//! The first 16 bytes are f16 `d`, f16 `dmin`, and 12 bytes of scales and minima. Sub-block `b` of 32 elements has
//! `w = (d scale) q - dmin minimum`, in f32 in this order. The 128 bytes of nibbles come in quarters of 32: the low
//! nibbles of quarter `k` are sub-block `2 k`, the high ones sub-block `2 k + 1`.

use super::BlockFault;
use super::{ActivationBlock, Int16Packing};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES, widen_f16};
use crate::simd::integers::{BYTES, Integers};

/// Bytes before the codes.
pub(super) const HEAD: usize = 16;

/// Sub-blocks of a block.
const COUNT: usize = 8;

/// Elements of a sub-block.
const LENGTH: usize = COLUMNS / COUNT;

/// `d` and `-dmin`, half-precision numbers.
#[inline(always)]
fn halves(head: &[u8; HEAD]) -> [[u8; 2]; 2] {
    [[head[0], head[1]], [head[2], head[3] ^ 0x80]]
}

/// The scales and the minima of the sub-blocks, 0..=63.
///
/// Byte `b < 4` has scale `b`, byte `b + 4` minimum `b` in its lower six bits. Byte `b + 8` has the lower four bits of
/// scale `b + 4` and of minimum `b + 4`; their upper two are those of bytes `b` and `b + 4`.
#[inline(always)]
fn scales_and_minima(head: &[u8; HEAD]) -> [[i8; COUNT]; 2] {
    let [mut scales, mut minima] = [[0; COUNT]; 2];
    for b in 0..4 {
        let (first, second, third) = (head[4 + b], head[8 + b], head[12 + b]);
        scales[b] = (first & 63) as i8;
        minima[b] = (second & 63) as i8;
        scales[b + 4] = (third & 15 | first >> 6 << 4) as i8;
        minima[b + 4] = (third >> 4 | second >> 6 << 4) as i8;
    }
    [scales, minima]
}

/// The fault of a block with these codes: `d` or `dmin` not finite, or `d` zero over a code and a scale that are not.
/// Quantizers leave any codes in a sub-block whose scale is zero, so those say nothing.
pub(super) fn find_fault(head: &[u8; HEAD], codes: impl FnOnce() -> [i8; COLUMNS]) -> Option<BlockFault> {
    let [scale, minimum] = halves(head).map(|half| widen_f16(u16::from_le_bytes(half)));
    BlockFault::of_scale_and_minimum(scale, -minimum, || {
        let ([scales, _], codes) = (scales_and_minima(head), codes());
        (0..COLUMNS).find(|&element| scales[element / LENGTH] != 0 && codes[element] != 0)
    })
}

/// A block, decoded as far as integers and the scales of its sub-blocks.
pub(crate) struct SubBlocks {
    /// `d scale`.
    scales: [f32; LANES],
    /// `-dmin minimum`.
    minima: [f32; LANES],
    codes: [i8; COLUMNS],
}

impl SubBlocks {
    #[inline(always)]
    pub(super) fn new<S: Floats>(floats: S, head: &[u8; HEAD], codes: [i8; COLUMNS]) -> SubBlocks {
        let [scale, minimum] = halves(head);
        let [of_scales, of_minima] = scales_and_minima(head);
        let times = |half, of: [i8; COUNT]| {
            let (mut integers, mut products) = ([0; LANES], [0.0; LANES]);
            integers[..COUNT].copy_from_slice(&of);
            floats.store(floats.mul(floats.splat_f16(half), floats.widen_i8(integers)), &mut products);
            products
        };
        SubBlocks { scales: times(scale, of_scales), minima: times(minimum, of_minima), codes }
    }

    /// Elements `16 index..16 index + 16`.
    #[inline(always)]
    pub(super) fn vector<S: Floats>(&self, floats: S, index: usize) -> S::F32x16 {
        let b = LANES * index / LENGTH;
        let codes = floats.widen_i8(self.codes.as_chunks::<LANES>().0[index]);
        floats.add(floats.mul(floats.splat(self.scales[b]), codes), floats.splat(self.minima[b]))
    }
}

/// The sums of `high` and of `low` over each sixteen columns.
pub(super) type Sums = [[i16; 16]; 2];

/// The column whose activation is at `position`: for each two quarters the low nibbles, then the high ones.
#[inline(always)]
pub(super) fn column(position: usize) -> usize {
    let (pair, high) = (position / (2 * BYTES), position % (2 * BYTES) / BYTES);
    let (quarter, byte) = (position % BYTES / LENGTH, position % LENGTH);
    2 * BYTES * pair + 2 * LENGTH * quarter + LENGTH * high + byte
}

/// [`Int16Packing::sums`].
#[inline(always)]
pub(super) fn sums(high: &[i8; COLUMNS], low: &[i8; COLUMNS]) -> Sums {
    let mut sums = [[0; 16]; 2];
    for column in 0..COLUMNS {
        sums[0][column / 16] += i16::from(high[column]);
        sums[1][column / 16] += i16::from(low[column]);
    }
    sums
}

/// [`Int16Packing::multiply`] of one block; `codes` are those of two quarters, low nibbles and high ones.
///
/// Lane `j` has the positions `64 v + 4 j..64 v + 4 j + 4` for each `v`. `H` is the sum of `code * scale * high` over
/// them, `N` in lane `j < 8` the sum of `minimum * high` over sub-block `j`, `L` and `M` the same of `low`. The part is
/// `(f32(H) * 255 + f32(L)) * d - (f32(N) * 255 + f32(M)) * dmin`.
#[inline(always)]
pub(super) fn multiply<I: Integers, P: Int16Packing<Sums = Sums>, const T: usize>(
    integers: I,
    head: &[u8; HEAD],
    codes: [[I::Bytes; 2]; 2],
    x: [&ActivationBlock<P>; T],
) -> [<I::Floats as Floats>::F32x16; T] {
    let floats = integers.floats();
    let [of_scales, of_minima] = scales_and_minima(head);
    let (mut scales, mut minima) = ([0; 16], [0; 16]);
    for group in 0..16 {
        scales[group] = of_scales[column(16 * group) / LENGTH];
        minima[group] = of_minima[16 * group / LENGTH];
    }
    let weights = integers.group_weights(&scales);
    let mut sums = [[integers.zero(); 2]; T];
    for v in 0..4 {
        for t in 0..T {
            let (planes, codes) = (&x[t].planes[v], codes[v / 2][v % 2]);
            let [high, low] = sums[t];
            let high = integers.weigh(integers.dot(codes, integers.load(&planes.high)), weights[v], high);
            let low = integers.weigh(integers.dot(codes, integers.load(&planes.low)), weights[v], low);
            sums[t] = [high, low];
        }
    }
    let [scale, minimum] = halves(head).map(|half| floats.splat_f16(half));
    let whole = |[high, low]: [I::Sums; 2]| {
        floats.add(floats.mul(integers.to_f32(high), floats.splat(255.0)), integers.to_f32(low))
    };
    let mut parts = [scale; T];
    for t in 0..T {
        let [high, low] = &x[t].sums;
        let offsets = [integers.pair_products(&minima, high), integers.pair_products(&minima, low)];
        parts[t] = floats.add(floats.mul(whole(sums[t]), scale), floats.mul(whole(offsets), minimum));
    }
    parts
}
