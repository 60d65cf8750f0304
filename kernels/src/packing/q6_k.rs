//! Q6_K: blocks of 256 six-bit codes, sixteen scales of eight bits and one scale over them.

mod encode;

use typenum::{U210, U256};

use super::{
    ActivationBlock, BlockFault, DensePacking, Int16Packing, Packed, Packing, PackingError, WordBlock, WordPacking,
    WordVisitor,
};
use crate::activations::BLOCK as COLUMNS;
use crate::simd::floats::{Floats, LANES, Portable, widen_f16};
use crate::simd::integers::{Integers, Words};

/// 256 elements in 210 bytes: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 signed scales, f16 `d`.
/// Element `e` takes scale `e / 16`; `w = (d scale) (q - 32)`, in f32 in this order.
///
/// Elements come in halves of 128, and those in quarters of 32: element `l` of quarter `k` has its low nibble in byte
/// `l + 32 (k % 2)` of the half's 64 (low nibble for `k < 2`, else high), its upper bits in bits `2k`, `2k + 1` of byte
/// `l` of the half's 32.
#[derive(Debug, Clone, Copy)]
pub struct Q6K;

/// The code of zero.
const ZERO: i8 = 32;

/// The f16 scale over the scales of the groups.
#[inline(always)]
fn block_scale(block: &[u8; 210]) -> [u8; 2] {
    [block[208], block[209]]
}

/// The scales of the groups of sixteen elements, as stored.
#[inline(always)]
fn group_scales(block: &[u8; 210]) -> [i8; 16] {
    let mut scales = [0; 16];
    for (scale, byte) in scales.iter_mut().zip(&block[192..208]) {
        *scale = *byte as i8;
    }
    scales
}

/// The codes of a block, 0..=63.
#[inline(always)]
fn codes(block: &[u8; 210]) -> [i8; 256] {
    let mut codes = [0; 256];
    let (low, upper) = (block[..128].as_chunks::<64>().0, block[128..192].as_chunks::<32>().0);
    for ((codes, low), upper) in codes.as_chunks_mut::<128>().0.iter_mut().zip(low).zip(upper) {
        for l in 0..32 {
            let (a, b, pairs) = (low[l], low[l + 32], upper[l]);
            codes[l] = (a & 15 | (pairs & 3) << 4) as i8;
            codes[l + 32] = (b & 15 | (pairs >> 2 & 3) << 4) as i8;
            codes[l + 64] = (a >> 4 | (pairs >> 4 & 3) << 4) as i8;
            codes[l + 96] = (b >> 4 | pairs >> 6 << 4) as i8;
        }
    }
    codes
}

/// The first element that a block scale of zero would erase: neither its group's scale nor its code means zero.
/// Quantizers leave any codes in a group whose scale is zero, so those say nothing.
fn first_erased(block: &[u8; 210]) -> Option<usize> {
    let (scales, codes) = (group_scales(block), codes(block));
    (0..256).find(|&element| scales[element / 16] != 0 && codes[element] != ZERO)
}

impl Packing for Q6K {
    const NAME: &'static str = "q6_k";
    type Columns = U256;
    type BlockBytes = U210;
    type Shared = ();

    fn shared(_: &[u8], _: &[u8]) -> Result<(), PackingError> {
        Ok(())
    }

    fn find_fault(blocks: &[u8], (): ()) -> Option<(usize, BlockFault)> {
        blocks.as_chunks().0.iter().enumerate().find_map(|(index, block)| {
            Some((
                index,
                BlockFault::of_scale(widen_f16(u16::from_le_bytes(block_scale(block))), || first_erased(block))?,
            ))
        })
    }

    fn decode(blocks: &[u8], (): (), out: &mut [f32]) {
        Self::decode_units(Portable, blocks, (), out);
    }
}

/// A block, decoded as far as integers and the scales of its groups.
pub(crate) struct Groups {
    /// `d scale`, for each group of sixteen.
    scales: [f32; 16],
    /// `q - 32`.
    codes: [i8; 256],
}

impl DensePacking for Q6K {
    const UNIT: usize = Self::BLOCK;
    type Unit<'a, S: Floats> = Groups;

    #[inline(always)]
    fn unit<S: Floats>(floats: S, bytes: &[u8], (): ()) -> Groups {
        let block = &bytes.as_chunks().0[0];
        let mut scales = [0.0; 16];
        let group_scales = floats.widen_i8(group_scales(block));
        floats.store(floats.mul(floats.splat_f16(block_scale(block)), group_scales), &mut scales);
        let mut codes = codes(block);
        for code in &mut codes {
            *code -= ZERO;
        }
        Groups { scales, codes }
    }

    #[inline(always)]
    fn vector<S: Floats>(floats: S, groups: &Groups, index: usize) -> S::F32x16 {
        let codes = floats.widen_i8(groups.codes.as_chunks::<LANES>().0[index]);
        floats.mul(floats.splat(groups.scales[index]), codes)
    }
}

/// The codes of a block, 64 in a vector.
#[inline(always)]
fn codes_of_kernel<I: Integers>(integers: I, block: &[u8; 210]) -> [I::Bytes; 4] {
    let upper = block[128..192].as_chunks().0;
    let [first, second] = integers.six_bits(integers.runs::<1, 64, 0>(&block[..64]), &upper[0]);
    let [third, fourth] = integers.six_bits(integers.runs::<1, 64, 0>(&block[64..128]), &upper[1]);
    [first, second, third, fourth]
}

/// Lane `j` has the columns of group `j`: the part is `f32(sum of (q - 32) * code) * (d scale)`. The sum is below 2^24,
/// so it is exact in f32.
impl Int16Packing for Q6K {
    const STEP_BYTES: usize = Self::BLOCK_BYTES;
    /// The sum of the activations of each group, times the code of zero.
    type Sums = [i32; LANES];

    #[inline(always)]
    fn column(position: usize) -> usize {
        position
    }

    #[inline(always)]
    fn sums(codes: &[i16; COLUMNS], _: &[i8; COLUMNS], _: &[i8; COLUMNS]) -> [i32; LANES] {
        let mut sums = [0; LANES];
        for (sum, codes) in sums.iter_mut().zip(codes.as_chunks::<16>().0) {
            for code in codes {
                *sum += i32::from(ZERO) * i32::from(*code);
            }
        }
        sums
    }

    #[inline(always)]
    fn multiply<I: Integers, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&ActivationBlock<Self>; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let floats = integers.floats();
        let block = &steps.as_chunks().0[0];
        let codes = codes_of_kernel(integers, block);
        let scales = floats.mul(floats.splat_f16(block_scale(block)), floats.widen_i8(group_scales(block)));
        let mut parts = [scales; T];
        for t in 0..T {
            let mut dots = [integers.zero(); 4];
            for v in 0..4 {
                let planes = &x[t].planes[v];
                dots[v] =
                    integers.dot_of_planes([codes[v]], [integers.load(&planes.high)], [integers.load(&planes.low)]);
            }
            let sums = integers.sub(integers.sum_quads(dots), integers.load_sums(&x[t].sums));
            parts[t] = floats.mul(integers.to_f32(sums), scales);
        }
        parts
    }

    fn in_words<W: WordVisitor>(matrix: &Packed<Self>, visitor: W) -> Option<W> {
        visitor.visit(matrix);
        None
    }
}

/// Lanes are in another order, so that neighbouring bytes of a register belong to a lane.
impl WordPacking for Q6K {
    const WORD_OF_ZERO: i32 = ZERO as i32;

    /// Lane `4 i + v` has group `4 v + i`, four columns of it in each 64 bytes.
    #[inline(always)]
    fn word_column(position: usize) -> usize {
        let (quad, lane, byte) = (position / 64, position % 64 / 4, position % 4);
        16 * (4 * (lane % 4) + lane / 4) + 4 * quad + byte
    }

    #[inline(always)]
    fn multiply_words<I: Words, const T: usize>(
        integers: I,
        steps: &[u8],
        x: [&WordBlock; T],
    ) -> [<I::Floats as Floats>::F32x16; T] {
        let floats = integers.floats();
        let block = &steps.as_chunks().0[0];
        let codes = integers.transpose_quads(codes_of_kernel(integers, block));
        let scales = floats.mul(floats.splat_f16(block_scale(block)), floats.widen_i8(group_scales(block)));
        let scales = integers.swap_quads(scales);
        let mut sums = [integers.load_sums(&x[0].sums); T];
        for t in 1..T {
            sums[t] = integers.load_sums(&x[t].sums);
        }
        for (v, codes) in codes.into_iter().enumerate() {
            let words = integers.words(codes);
            for t in 0..T {
                sums[t] = integers.add_word_products(words, &x[t].words[v], sums[t]);
            }
        }
        let mut parts = [scales; T];
        for t in 0..T {
            parts[t] = floats.mul(integers.to_f32(sums[t]), scales);
        }
        parts
    }

    #[inline(always)]
    fn in_order<I: Words>(integers: I, sums: <I::Floats as Floats>::F32x16) -> <I::Floats as Floats>::F32x16 {
        integers.swap_quads(sums)
    }
}
