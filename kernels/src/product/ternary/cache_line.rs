//! Memory in cache lines, so that no vector crosses one.

use bytemuck::{Pod, Zeroable};

use crate::simd::Vector;

/// Bytes of a line.
pub(super) const LINE: usize = 64;

/// A cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct CacheLine([u16; LINE / 2]);

// SAFETY: any words are a line, zeros among them.
unsafe impl Zeroable for CacheLine {}
// SAFETY: any words are a line, 32 of which have its length, so that nothing pads them.
unsafe impl Pod for CacheLine {}

impl CacheLine {
    /// The bytes of a vector that is as long.
    #[inline(always)]
    pub(super) fn of<V: Vector>(vector: V) -> CacheLine {
        const { assert!(4 * V::LANES == LINE, "a vector of a line") };
        let mut line = CacheLine::ZERO;
        // SAFETY: the vector is as long by the assertion.
        unsafe { vector.store((&raw mut line).cast()) };
        line
    }

    /// A line of zeros.
    pub(super) const ZERO: CacheLine = CacheLine([0; LINE / 2]);

    /// The first byte.
    pub(super) fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }

    /// The words.
    pub(super) fn words_mut(&mut self) -> &mut [u16; LINE / 2] {
        &mut self.0
    }
}
