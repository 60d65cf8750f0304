//! How the bytes of the packings with a scale for each group become codes in vector registers.
//!
//! What belongs here: [`Unpack`] of those packings. What does not: the packings whose scales are for 256 columns or
//! more ([`super`]).
//!
//! A window has the codes of 128 columns, in whole blocks. Kernels take its columns in the order in which its fields
//! have them, one field of all bytes after the other: activations are put in this order once, and then neighbours in it
//! are neighbours in a register.

use alloc::borrow::Cow;
use core::ops::RangeInclusive;

use super::{MAX_FIELDS, Quad, Unpack, WINDOW};
use crate::activations::ColumnOrder;
use crate::packing::{Coded, Packing, Pq2_0, Ptq1_0, Q1_0, Q2_0, Tq1_0, Tq2_0};
use crate::simd::{Simd, Vector};

/// Columns of a window.
const COLUMNS: usize = 128;

/// Bytes of a scale before the codes of a block.
const SCALE: usize = 2;

/// Bytes of half a window.
const HALF: usize = WINDOW / 2;

/// Tokens of the product for a few. With more, that for many is as fast: it adds nothing across a vector for each
/// group.
const FEW_TOKENS: RangeInclusive<usize> = 1..=4;

impl Unpack for Pq2_0 {
    const FIELDS: usize = 4;
    const GROUPED: bool = true;
    const WINDOWS: &'static [usize] = &[SCALE];
    const ORDER: ColumnOrder = ColumnOrder::Pairs;
    const FEW_TOKENS: RangeInclusive<usize> = FEW_TOKENS;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        Tq2_0::fields(bytes)
    }

    #[inline(always)]
    fn quad(_window: usize, lane: usize) -> Option<Quad> {
        Some(Quad { first: 4 * lane, stride: WINDOW, fields: Self::FIELDS })
    }
}

impl Unpack for Q2_0 {
    const FIELDS: usize = 4;
    const GROUPED: bool = true;
    const WINDOWS: &'static [usize] = &[SCALE];
    const WINDOW_BLOCKS: usize = 2;
    const ORDER: ColumnOrder = ColumnOrder::PairsOf64;
    const FEW_TOKENS: RangeInclusive<usize> = FEW_TOKENS;

    #[inline(always)]
    unsafe fn load<V: Vector>(simd: Simd<V>, starts: [*const u8; 2]) -> V {
        let second = |start: *const u8| start.wrapping_add(Self::BLOCK_BYTES);
        // SAFETY: the caller vouches for the codes of two blocks.
        unsafe { V::load_halves(simd, [starts[0], second(starts[0]), starts[1], second(starts[1])]) }
    }

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        Tq2_0::fields(bytes)
    }

    #[inline(always)]
    fn quad(_window: usize, lane: usize) -> Option<Quad> {
        Some(Quad { first: lane / 4 * Self::BLOCK + lane % 4 * 4, stride: HALF, fields: Self::FIELDS })
    }

    /// Fields have the columns of both blocks.
    fn arrange(activations: &[i8]) -> Cow<'_, [i8]> {
        let mut arranged = vec![0; activations.len()];
        for (from, to) in activations.as_chunks::<COLUMNS>().0.iter().zip(arranged.as_chunks_mut::<COLUMNS>().0) {
            let (first, second) = from.split_at(Self::BLOCK);
            let halves = first.as_chunks::<HALF>().0.iter().zip(second.as_chunks::<HALF>().0);
            for (to, (first, second)) in to.as_chunks_mut::<WINDOW>().0.iter_mut().zip(halves) {
                to[..HALF].copy_from_slice(first);
                to[HALF..].copy_from_slice(second);
            }
        }
        Cow::Owned(arranged)
    }
}

/// A window has the sixteen bytes of a block twice: first for its lower nibbles, then for the upper ones.
impl Unpack for Q1_0 {
    const FIELDS: usize = 4;
    const GROUPED: bool = true;
    const WINDOWS: &'static [usize] = &[SCALE];
    const ORDER: ColumnOrder = ColumnOrder::Bits;
    const FEW_TOKENS: RangeInclusive<usize> = FEW_TOKENS;

    #[inline(always)]
    unsafe fn load<V: Vector>(simd: Simd<V>, starts: [*const u8; 2]) -> V {
        // SAFETY: the caller vouches for the codes of a block.
        unsafe { V::load_halves(simd, [starts[0], starts[0], starts[1], starts[1]]).nibbles() }
    }

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        [bytes.bit_as_two::<0>(), bytes.bit_as_two::<1>(), bytes.bit_as_two::<2>(), bytes.bit_as_two::<3>(), bytes]
    }

    #[inline(always)]
    fn quad(_window: usize, lane: usize) -> Option<Quad> {
        Some(Quad { first: 4 * lane, stride: WINDOW, fields: Self::FIELDS })
    }
}

/// A window has the codes of a block, its scale and four bytes of what follows: these meet activations of 0.
impl Unpack for Ptq1_0 {
    const FIELDS: usize = 5;
    const GROUPED: bool = true;
    const WINDOWS: &'static [usize] = &[0];
    const BEYOND: usize = WINDOW - Self::BLOCK_BYTES;
    const FEW_TOKENS: RangeInclusive<usize> = FEW_TOKENS;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        Tq1_0::fields(bytes)
    }

    #[inline(always)]
    fn quad(_window: usize, lane: usize) -> Option<Quad> {
        match lane {
            0..4 => Some(Quad { first: 4 * lane, stride: 16, fields: 5 }),
            4..6 => Some(Quad { first: 80 + 4 * (lane - 4), stride: 8, fields: 5 }),
            6 => Some(Quad { first: 120, stride: 4, fields: 2 }),
            _ => None,
        }
    }

    /// Lane 6 has the last two bytes of codes, and with them two columns in each field: two fields are a quad.
    #[inline(always)]
    fn quad_fields<V: Vector>(lane: usize, bytes: V) -> [V; MAX_FIELDS] {
        let [a, b, c, d, e] = Self::fields(bytes);
        if lane == 6 { [a.join_words(b), c.join_words(d), c, d, e] } else { [a, b, c, d, e] }
    }

    fn run_length<V: Vector>() -> usize {
        Tq1_0::run_length::<V>()
    }

    #[inline(always)]
    unsafe fn add<V: Vector>(simd: Simd<V>, bytes: V, activations: *const i8, runs: &mut [V::Run; 2]) {
        // SAFETY: the caller vouches for the same.
        unsafe { Tq1_0::add(simd, bytes, activations, runs) }
    }

    #[inline(always)]
    fn widen<V: Vector>(runs: [V::Run; 2], sums: V::Sums) -> V::Sums {
        Tq1_0::widen::<V>(runs, sums)
    }

    fn arrange(activations: &[i8]) -> Cow<'_, [i8]> {
        const STEPS: usize = Ptq1_0::FIELDS * WINDOW;
        let mut arranged = vec![0; activations.len() / COLUMNS * STEPS];
        for (from, to) in activations.as_chunks::<COLUMNS>().0.iter().zip(arranged.as_chunks_mut::<STEPS>().0) {
            for section in Self::SECTIONS {
                for field in 0..section.fields {
                    let from = &from[section.element(field, 0)..][..section.bytes];
                    to[field * WINDOW + section.offset..][..section.bytes].copy_from_slice(from);
                }
            }
        }
        Cow::Owned(arranged)
    }
}
