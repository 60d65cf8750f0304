//! Instruction sets: which there are, which this machine has, and how a kernel body is compiled for each.
//!
//! What belongs here: detection, the `#[target_feature]` wrappers, and intrinsics behind the small `Vector` trait.
//! What does not: algorithms. A kernel is written once, as `Kernel::run`, and `Isa::run` runs it compiled for one
//! set.

#[cfg(all(feature = "simd", target_arch = "aarch64"))]
mod aarch64;
#[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), allow(dead_code, reason = "no set has them"))]
mod capabilities;
pub(crate) mod floats;
pub(crate) mod fused;
pub(crate) mod integers;
mod portable;
mod vector;
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
mod x86;

use alloc::vec::Vec;
use core::fmt;

pub(crate) use capabilities::{LookupKernel, WithLookups, WithWords, WordsKernel};
pub(crate) use vector::{Lookups, Simd, Vector};

/// An instruction set that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// What every machine of the target architecture has.
    Portable,
    /// x86-64 with AVX2, F16C and FMA: 256-bit integers.
    Avx2,
    /// x86-64 with AVX2, F16C, FMA and the four-byte dot product `vpdpbusd` for 256 bits, from AVX-VNNI or AVX-512 VL
    /// and VNNI.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI: 512-bit integers and the four-byte dot product `vpdpbusd`.
    Avx512Vnni,
    /// The same, with ternary products of many tokens looked up in part: `vpermw` beside `vpdpbusd`. Preferred where
    /// these instructions do not wait for one another.
    Avx512VnniLookup,
    /// aarch64: 128-bit integers, products of bytes widened.
    Neon,
    /// aarch64 with the dot product of Armv8.2: four bytes at a time with `sdot`.
    NeonDotprod,
    /// aarch64 with the dot product and the matrix product of Armv8.6: blocks of bytes with `smmla`.
    NeonI8mm,
}

/// Whether the machine has a feature: as it says itself or, without an operating system to ask, as the compiler was
/// told.
#[cfg(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64")))]
macro_rules! machine_has {
    ($feature:tt) => {{
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        let has = std::arch::is_x86_feature_detected!($feature);
        #[cfg(all(feature = "std", target_arch = "aarch64"))]
        let has = std::arch::is_aarch64_feature_detected!($feature);
        #[cfg(not(feature = "std"))]
        let has = cfg!(target_feature = $feature);
        has
    }};
}
#[cfg(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64")))]
use machine_has;

/// A kernel body, compiled once for each instruction set.
///
/// `run` is marked `#[inline(always)]` in every implementation, and so is all it calls in its loops: only what is
/// inlined into the wrapper is compiled with the wrapper's instructions.
pub(crate) trait Kernel {
    /// What the kernel returns.
    type Output;

    /// Whether the body depends on [`Vector::dot`]. Others are compiled for AVX-VNNI as they are for AVX2.
    #[cfg_attr(not(all(feature = "simd", target_arch = "x86_64")), expect(dead_code, reason = "one set has both"))]
    const DOTS: bool = false;

    /// The body. Kernels of floats ignore `V` and leave it to the compiler to use the instructions of the set.
    fn run<V: Vector>(self, simd: Simd<V>) -> Self::Output;
}

impl Isa {
    /// Every instruction set that Trine knows, those of one architecture in order of preference from the least.
    pub const ALL: [Isa; 8] = [
        Isa::Portable,
        Isa::Avx2,
        Isa::AvxVnni,
        Isa::Avx512Vnni,
        Isa::Avx512VnniLookup,
        Isa::Neon,
        Isa::NeonDotprod,
        Isa::NeonI8mm,
    ];

    /// The name, in lower case, as command lines spell it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::AvxVnni => "avxvnni",
            Isa::Avx512Vnni => "avx512vnni",
            Isa::Avx512VnniLookup => "avx512vnni-lookup",
            Isa::Neon => "neon",
            Isa::NeonDotprod => "neon-dotprod",
            Isa::NeonI8mm => "neon-i8mm",
        }
    }

    /// The best instruction set of this machine.
    pub fn detect() -> Isa {
        Isa::available().into_iter().rfind(|isa| isa.is_preferred()).unwrap_or(Isa::Portable)
    }

    /// Whether this machine is faster with the instruction set than with the one before it.
    fn is_preferred(self) -> bool {
        match self {
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Isa::Avx512VnniLookup => x86::prefers_lookups(),
            _ => true,
        }
    }

    /// Whether products of few tokens can read copies in triples ([`crate::Matrix::with_triples`]): it has lookups.
    pub fn reads_triples(self) -> bool {
        matches!(self, Isa::Avx512Vnni | Isa::Avx512VnniLookup)
    }

    /// Whether ternary products of many tokens look part of their sums up.
    pub(crate) fn prefers_lookups(self) -> bool {
        self == Isa::Avx512VnniLookup
    }

    /// The instruction sets of this machine, the best last.
    pub fn available() -> Vec<Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this machine has the instruction set.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Isa::Avx2 => x86::has_avx2(),
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Isa::AvxVnni => x86::has_avx_vnni(),
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            Isa::Avx512Vnni | Isa::Avx512VnniLookup => x86::has_avx512_vnni(),
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Isa::Neon => aarch64::has_neon(),
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Isa::NeonDotprod => aarch64::has_neon_dotprod(),
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            Isa::NeonI8mm => aarch64::has_neon_i8mm(),
            // The sets of other architectures, and without the feature `simd` all sets.
            _ => false,
        }
    }

    /// Runs `kernel` compiled for this instruction set.
    ///
    /// # Panics
    /// If the machine does not have it: running it would be undefined behaviour. [`crate::Machine`] holds only
    /// available sets; the check is a load and a compare.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self.is_available(), "instruction set {self} is not available on this machine");
        match self {
            Isa::Portable => run_portable(kernel),
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            // SAFETY: `is_available` was just asserted, and it asks for exactly the features of `run_avx2`.
            Isa::Avx2 => unsafe { x86::run_avx2(kernel) },
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            // SAFETY: `is_available` was just asserted, and it asks for the features of both functions.
            Isa::AvxVnni => unsafe { if K::DOTS { x86::run_avx_vnni(kernel) } else { x86::run_avx2(kernel) } },
            #[cfg(all(feature = "simd", target_arch = "x86_64"))]
            // SAFETY: `is_available` was just asserted, and it asks for exactly the features of `run_avx512_vnni`.
            Isa::Avx512Vnni | Isa::Avx512VnniLookup => unsafe { x86::run_avx512_vnni(kernel) },
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            // SAFETY: `is_available` was just asserted, and it asks for exactly the features of `run_neon`.
            Isa::Neon => unsafe { aarch64::run_neon(kernel) },
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            // SAFETY: `is_available` was just asserted, and it asks for exactly the features of `run_neon_dotprod`.
            Isa::NeonDotprod => unsafe { aarch64::run_neon_dotprod(kernel) },
            #[cfg(all(feature = "simd", target_arch = "aarch64"))]
            // SAFETY: `is_available` was just asserted, and it asks for exactly the features of `run_neon_i8mm`.
            Isa::NeonI8mm => unsafe { aarch64::run_neon_i8mm(kernel) },
            _ => unreachable!("the sets of other architectures are not available"),
        }
    }
}

/// Runs `kernel` compiled for what every machine of the target has. Not inlined, so that `tools/cpus/instructions.py`
/// finds it; sets with other features are not either.
#[inline(never)]
fn run_portable<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this `Vector` is plain Rust.
    kernel.run(unsafe { Simd::<portable::Bytes>::new() })
}

/// Asks for the cache line at `address`, which need not be valid; nothing where that cannot be asked.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    x86::prefetch(address);
    #[cfg(all(feature = "simd", target_arch = "aarch64"))]
    aarch64::prefetch(address);
    #[cfg(not(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = address;
}

/// Asks for the cache line at `address`, which need not be valid, to come into the second cache.
#[inline(always)]
pub(crate) fn prefetch_far(address: *const u8) {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    x86::prefetch_far(address);
    #[cfg(all(feature = "simd", target_arch = "aarch64"))]
    aarch64::prefetch_far(address);
    #[cfg(not(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = address;
}

/// As [`prefetch_far`] for each cache line of `bytes` bytes from `address` on.
#[inline(always)]
pub(crate) fn prefetch_far_lines(address: *const u8, bytes: usize) {
    /// Bytes that one prefetch brings.
    const CACHE_LINE: usize = 64;
    for line in (0..bytes).step_by(CACHE_LINE) {
        prefetch_far(address.wrapping_add(line));
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints which levels the tests of this machine cover.
    #[test]
    fn levels_of_this_machine() {
        let available = Isa::available();
        for isa in Isa::ALL {
            let tested = if available.contains(&isa) { "tested" } else { "skipped: not in this machine" };
            println!("level {isa}: {tested}");
        }
        let detected = available.iter().position(|isa| *isa == Isa::detect()).expect("it is available");
        assert_eq!(available[0], Isa::Portable);
        assert!(available[detected].is_preferred() && !available[detected + 1..].iter().any(|isa| isa.is_preferred()));
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::BTreeSet<_> = Isa::ALL.map(Isa::name).into();
        assert_eq!(names.len(), Isa::ALL.len());
    }
}
