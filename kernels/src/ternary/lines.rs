//! Memory in cache lines, so that no vector crosses one.

/// Bytes of a line.
pub(super) const LINE: usize = 64;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([u8; LINE]);

impl Line {
    /// A line of zeros.
    pub(super) const ZERO: Line = Line([0; LINE]);

    /// The first byte.
    pub(super) fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }
}
