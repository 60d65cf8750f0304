//! aarch64: the sets of features that kernels are compiled for, each list beside the detection that it must agree with.
//!
//! The instructions that stable Rust has no intrinsics for (`sdot`, `smmla`, `fcvtl`) are written as `asm!` blocks of
//! one instruction each, beside what uses them.

mod dot;
mod floats;
mod integers;
mod neon;

use core::arch::asm;

use super::{Kernel, Simd, machine_has};

/// Asks for the cache line at `address`, which need not be valid.
#[inline(always)]
pub(super) fn prefetch(address: *const u8) {
    // SAFETY: a prefetch of an address that is not mapped does nothing.
    unsafe { asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly)) }
}

/// Asks for the cache line at `address`, which need not be valid, to come into the second cache.
#[inline(always)]
pub(super) fn prefetch_far(address: *const u8) {
    // SAFETY: a prefetch of an address that is not mapped does nothing.
    unsafe { asm!("prfm pldl2keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly)) }
}

/// Whether the machine has what [`run_neon`] enables. Every aarch64 machine that runs an operating system does.
pub(super) fn has_neon() -> bool {
    machine_has!("neon")
}

/// Runs `kernel` compiled with NEON.
///
/// # Safety
/// [`has_neon`] is true.
#[target_feature(enable = "neon")]
#[inline(never)] // as those with more features: `tools/cpus/instructions.py` looks for them
pub(super) unsafe fn run_neon<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for NEON.
    kernel.run(unsafe { Simd::<neon::Bytes<dot::Widening>>::new() })
}

/// Whether the machine has what [`run_neon_dotprod`] enables.
pub(super) fn has_neon_dotprod() -> bool {
    has_neon() && machine_has!("dotprod")
}

/// Runs `kernel` compiled with NEON and its dot product (Armv8.2 `sdot`).
///
/// # Safety
/// [`has_neon_dotprod`] is true.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn run_neon_dotprod<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for NEON with its dot product.
    kernel.run(unsafe { Simd::<neon::Bytes<dot::Sdot>>::new() })
}

/// Whether the machine has what [`run_neon_i8mm`] enables.
pub(super) fn has_neon_i8mm() -> bool {
    has_neon_dotprod() && machine_has!("i8mm")
}

/// Runs `kernel` compiled with NEON, its dot product and its matrix product (Armv8.6 `smmla`).
///
/// # Safety
/// [`has_neon_i8mm`] is true.
#[target_feature(enable = "neon,dotprod,i8mm")]
pub(super) unsafe fn run_neon_i8mm<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for NEON with its dot product and matrix product.
    kernel.run(unsafe { Simd::<neon::Bytes<dot::Smmla>>::new() })
}
