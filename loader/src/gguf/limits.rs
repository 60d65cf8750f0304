//! The limits that the format sets, and those that this crate sets where the format is silent.
//!
//! Numbers alone belong here; the checks are with what they check.

/// Longest metadata key in bytes (GGUF specification).
pub const KEY_BYTES: u64 = 65_535;
/// Longest tensor name in bytes (GGUF specification).
pub const TENSOR_NAME_BYTES: u64 = 64;
/// Most dimensions of a tensor (GGUF specification).
pub const DIMENSIONS: usize = crate::shape::DIMENSIONS;
/// Deepest nesting of metadata arrays: a plain array has depth 1. No known writer nests arrays at all.
pub const ARRAY_DEPTH: usize = 4;
/// Alignment of tensor data where `general.alignment` is absent (GGUF specification).
pub const DEFAULT_ALIGNMENT: u64 = 32;
/// Smallest alignment (GGUF specification: a multiple of 8).
pub const SMALLEST_ALIGNMENT: u64 = 8;
/// Largest alignment: far above every page and cache-line size that a writer could have in mind.
pub const LARGEST_ALIGNMENT: u64 = 1 << 20;

/// Whether `alignment` is a power of two within the limits above.
pub fn is_alignment(alignment: u64) -> bool {
    alignment.is_power_of_two() && (SMALLEST_ALIGNMENT..=LARGEST_ALIGNMENT).contains(&alignment)
}
