//! How the bytes of each ternary packing become codes in vector registers.
//!
//! What belongs here: fields of bytes, and the order of activations that the whole bytes of a block meet. What does
//! not: where codes lie in a block ([`Ternary::SECTIONS`]).

use alloc::borrow::Cow;

use crate::arch::Vector;
use crate::packing::{I2S, MAX_FIELDS, Packing, Ternary, Tq1_0, Tq2_0};

/// Bytes of a block that are unpacked together.
pub(super) const WINDOW: usize = 32;

/// A ternary packing that the kernels read.
pub(crate) trait Unpack: Ternary {
    /// The most codes that a byte of a block holds.
    const FIELDS: usize;

    /// First bytes of the windows of [`WINDOW`] bytes that cover the codes of a block, multiples of 4. A window may
    /// start with bytes of the one before it: those meet activations of 0.
    const WINDOWS: &'static [usize];

    /// Steps of a window of codes with the activations it meets: `FIELDS` for each window.
    const STEPS: usize = Self::FIELDS * Self::WINDOWS.len();

    /// Up to this many tokens the kernel for few tokens is the faster one: it does not rearrange the weights, but
    /// unpacks them again for each token.
    const GEMV_TOKENS: usize;

    /// The codes of each byte, field by field; entries from `FIELDS` on mean nothing.
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS];

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
    const GEMV_TOKENS: usize = 6;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        [bytes.two_bits::<6>(), bytes.two_bits::<4>(), bytes.two_bits::<2>(), bytes.two_bits::<0>(), bytes]
    }
}

impl Unpack for Tq2_0 {
    const FIELDS: usize = 4;
    const WINDOWS: &'static [usize] = &[0, 32];
    const GEMV_TOKENS: usize = 6;

    #[inline(always)]
    fn fields<V: Vector>(bytes: V) -> [V; MAX_FIELDS] {
        [bytes.two_bits::<0>(), bytes.two_bits::<2>(), bytes.two_bits::<4>(), bytes.two_bits::<6>(), bytes]
    }
}

impl Unpack for Tq1_0 {
    const FIELDS: usize = 5;
    // The second window starts with twelve bytes of the first.
    const WINDOWS: &'static [usize] = &[0, 20];
    const GEMV_TOKENS: usize = 2;

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
