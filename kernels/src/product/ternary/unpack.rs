//! How the bytes of each ternary packing become codes in vector registers.
//!
//! What belongs here: fields of bytes, and the order of activations that the whole bytes of a block meet. What does
//! not: where codes lie in a block ([`Coded::SECTIONS`]).

pub(super) mod grouped;

use alloc::borrow::Cow;
use core::ops::RangeInclusive;

use crate::activations::ColumnOrder;
use crate::packing::{Coded, I2S, Packing, Section, Tq1_0, Tq2_0};
use crate::simd::{Simd, Vector};

/// Bytes of a block that are unpacked together.
pub(super) const WINDOW: usize = 32;

/// The most codes that a byte of a register holds.
pub(super) const MAX_FIELDS: usize = 5;

/// A window of each of sixteen rows, which starts at byte `at` of them, as [`Vector::sum_parts`] orders them.
///
/// # Safety
/// Each pointer is readable as [`Unpack::load`] reads it from `at` on.
#[inline(always)]
pub(super) unsafe fn load_parts<V: Vector, P: Unpack>(simd: Simd<V>, rows: &[*const u8; 16], at: usize) -> [V; 8] {
    // SAFETY: the caller vouches for the bytes.
    unsafe {
        let mut parts = [P::load::<V>(simd, [rows[0].add(at), rows[8].add(at)]); 8];
        for (i, part) in parts.iter_mut().enumerate().skip(1) {
            *part = P::load::<V>(simd, [rows[i].add(at), rows[8 + i].add(at)]);
        }
        parts
    }
}

/// Four neighbouring bytes of a block: each field of them has the codes of four neighbouring columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quad {
    /// The first column of field 0, in the block.
    pub(super) first: usize,
    /// Columns between fields.
    pub(super) stride: usize,
    /// Number of fields.
    pub(super) fields: usize,
}

impl Quad {
    /// The bytes that are lane `lane` of a window of the block, after [`Vector::transpose_lanes`]; `None` where they
    /// are the scale, or in the window before.
    #[inline(always)]
    pub(super) fn at<P: Unpack>(window: usize, lane: usize) -> Option<Quad> {
        let byte = P::WINDOWS[window] + 4 * lane;
        let new = if window == 0 { 0 } else { P::WINDOWS[window - 1] + WINDOW };
        let holds = |section: &&Section| (section.offset..section.offset + section.bytes).contains(&byte);
        let section = P::SECTIONS.iter().find(holds).filter(|_| byte >= new)?;
        let first = section.element + byte - section.offset;
        Some(Quad { first, stride: section.bytes, fields: section.fields })
    }

    /// The first column of a field.
    #[inline(always)]
    pub(super) fn column(&self, field: usize) -> usize {
        self.first + field * self.stride
    }
}

/// A packing of codes that the kernels read.
pub(crate) trait Unpack: Coded {
    /// The most codes that a byte of a window holds.
    const FIELDS: usize;

    /// Whether blocks have scales of their own for fewer than 256 columns; then a window has all codes of 128 columns,
    /// and [`super::grouped`] multiplies one token.
    const GROUPED: bool = false;

    /// Blocks of a window.
    const WINDOW_BLOCKS: usize = 1;

    /// Bytes after its last block that a row is read to.
    const BEYOND: usize = 0;

    /// The order in which kernels take the columns of a block: all columns of this file are places in it.
    const ORDER: ColumnOrder = ColumnOrder::Natural;

    /// First bytes of the windows of [`WINDOW`] bytes that cover the codes of a block, multiples of 4. A window may
    /// start with bytes of the one before it: those meet activations of 0.
    const WINDOWS: &'static [usize];

    /// Steps of a window of codes with the activations it meets: `FIELDS` for each window.
    const STEPS: usize = Self::FIELDS * Self::WINDOWS.len();

    /// These many tokens are multiplied by the kernel for a few, which unpacks weights once for up to eight tokens.
    /// With fewer, that for one token is faster, which may need no codes; with more, that for many, which has nothing
    /// to add across vectors.
    const FEW_TOKENS: RangeInclusive<usize>;

    /// A window of each of the first [`Vector::PARTS`] of `starts`, as [`Unpack::fields`] takes it.
    ///
    /// # Safety
    /// Each pointer used is readable for the bytes of the window.
    #[inline(always)]
    unsafe fn load<V: Vector>(simd: Simd<V>, starts: [*const u8; 2]) -> V {
        // SAFETY: the caller vouches for the 32 bytes of a window.
        unsafe { V::load_parts(simd, starts) }
    }

    /// The codes of each byte, field by field; entries from `FIELDS` on mean nothing.
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS];

    /// The columns of lane `lane` of a window; `None` where it has no codes, or those of the window before.
    #[inline(always)]
    fn quad(window: usize, lane: usize) -> Option<Quad> {
        Quad::at::<Self>(window, lane)
    }

    /// [`Unpack::fields`] of a vector of lanes `lane`: each field has the codes of four neighbouring columns.
    #[inline(always)]
    fn quad_fields<V: Vector>(_lane: usize, bytes: V) -> [V; MAX_FIELDS] {
        Self::fields(bytes)
    }

    /// Steps of [`Unpack::add`] that its sums hold without overflow.
    fn run_length<V: Vector>() -> usize {
        V::RUN
    }

    /// Adds the products of the codes of `bytes` with the [`Unpack::FIELDS`] vectors of activations at `activations`.
    ///
    /// # Safety
    /// `activations` is readable for the vectors.
    #[inline(always)]
    unsafe fn add<V: Vector>(simd: Simd<V>, bytes: V, activations: *const i8, runs: &mut [V::Run; 2]) {
        let fields = Self::fields(bytes);
        for (n, codes) in fields.iter().enumerate().take(Self::FIELDS) {
            // SAFETY: the caller vouches for the vectors.
            let activations = unsafe { V::load(simd, activations.add(n * V::PARTS * WINDOW).cast()) };
            runs[0] = codes.dot_across(activations, runs[0]);
        }
    }

    /// Adds what [`Unpack::add`] gathered to `sums`.
    #[inline(always)]
    fn widen<V: Vector>(runs: [V::Run; 2], sums: V::Sums) -> V::Sums {
        V::widen(runs[0], sums)
    }

    /// Activations in the order that windows meet them: for each block of columns, window by window and field by field,
    /// the [`WINDOW`] activations of the codes there. Borrowed where that is the order of columns.
    ///
    /// The length of `activations` is a multiple of 256; the result has `STEPS * WINDOW` for each `BLOCK` of them.
    fn arrange(activations: &[i8]) -> Cow<'_, [i8]> {
        Cow::Borrowed(activations)
    }
}

impl Unpack for I2S {
    const FIELDS: usize = 4;
    const WINDOWS: &'static [usize] = &[0];
    const FEW_TOKENS: RangeInclusive<usize> = 2..=8;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        [bytes.two_bits::<6>(), bytes.two_bits::<4>(), bytes.two_bits::<2>(), bytes.two_bits::<0>(), bytes]
    }
}

impl Unpack for Tq2_0 {
    const FIELDS: usize = 4;
    const WINDOWS: &'static [usize] = &[0, 32];
    const FEW_TOKENS: RangeInclusive<usize> = 2..=8;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        [bytes.two_bits::<0>(), bytes.two_bits::<2>(), bytes.two_bits::<4>(), bytes.two_bits::<6>(), bytes]
    }
}

impl Unpack for Tq1_0 {
    const FIELDS: usize = 5;
    // The second window starts with twelve bytes of the first.
    const WINDOWS: &'static [usize] = &[0, 20];
    const FEW_TOKENS: RangeInclusive<usize> = 3..=8;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        let mut rest = bytes;
        let mut fields = [bytes; MAX_FIELDS];
        for field in &mut fields {
            *field = rest.leading_trit();
            rest = rest.triple();
        }
        fields
    }

    fn run_length<V: Vector>() -> usize {
        V::TRITS_RUN
    }

    #[inline(always)]
    unsafe fn add<V: Vector>(simd: Simd<V>, bytes: V, activations: *const i8, runs: &mut [V::Run; 2]) {
        let mut rest = bytes.trits();
        for n in 0..Self::FIELDS {
            // SAFETY: the caller vouches for the vectors.
            rest = rest.add_trits(unsafe { V::load(simd, activations.add(n * V::PARTS * WINDOW).cast()) }, runs);
        }
    }

    #[inline(always)]
    fn widen<V: Vector>(runs: [V::Run; 2], sums: V::Sums) -> V::Sums {
        V::widen_trits(runs, sums)
    }

    fn arrange(activations: &[i8]) -> Cow<'_, [i8]> {
        let mut arranged = vec![0; activations.len() / Self::BLOCK * Self::STEPS * WINDOW];
        let blocks = activations.chunks_exact(Self::BLOCK).zip(arranged.chunks_exact_mut(Self::STEPS * WINDOW));
        for (block, arranged) in blocks {
            let (first, second) = arranged.split_at_mut(Self::FIELDS * WINDOW);
            first.copy_from_slice(&block[..first.len()]);
            for section in &Self::SECTIONS[1..] {
                for field in 0..section.fields {
                    let from = &block[section.element + field * section.bytes..][..section.bytes];
                    let at = field * WINDOW + section.offset - Self::WINDOWS[1];
                    second[at..at + section.bytes].copy_from_slice(from);
                }
            }
        }
        Cow::Owned(arranged)
    }
}
