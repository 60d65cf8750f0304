//! x86-64: the sets of features that kernels are compiled for, each list beside the detection that it must agree with.

mod avx2;
mod avx512;
mod avxvnni;
mod floats;
mod integers;
mod integers512;

use core::arch::x86_64::{__cpuid, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

use super::{Kernel, LookupKernel, Simd, WordsKernel, machine_has};
use floats::{Avx2, Avx512};

/// Asks for the cache line at `address`, which need not be valid.
#[inline(always)]
pub(super) fn prefetch(address: *const u8) {
    // SAFETY: every x86-64 machine has SSE, and a prefetch of an address that is not mapped does nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

/// Asks for the cache line at `address`, which need not be valid, to come into the second cache.
#[inline(always)]
pub(super) fn prefetch_far(address: *const u8) {
    // SAFETY: every x86-64 machine has SSE, and a prefetch of an address that is not mapped does nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
}

/// Whether the machine has what [`run_avx2`] enables.
pub(super) fn has_avx2() -> bool {
    machine_has!("avx2") && machine_has!("f16c") && machine_has!("fma")
}

/// Runs `kernel` compiled with AVX2.
///
/// # Safety
/// [`has_avx2`] is true.
#[target_feature(enable = "avx2,f16c,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for AVX2, F16C and FMA.
    kernel.run(unsafe { Simd::<avx2::Bytes>::new() })
}

/// Whether the machine has what [`run_avx_vnni`] enables in one of the encodings.
pub(super) fn has_avx_vnni() -> bool {
    has_avx2() && (has_avx_vnni_vex() || has_avx_vnni_evex())
}

fn has_avx_vnni_vex() -> bool {
    machine_has!("avxvnni")
}

fn has_avx_vnni_evex() -> bool {
    machine_has!("avx512vl") && machine_has!("avx512vnni")
}

/// Runs `kernel` compiled with AVX2 and the dot product of VNNI for 256 bits.
///
/// # Safety
/// [`has_avx_vnni`] is true.
pub(super) unsafe fn run_avx_vnni<K: Kernel>(kernel: K) -> K::Output {
    if has_avx_vnni_vex() {
        // SAFETY: the caller vouches for AVX2, F16C and FMA, and AVX-VNNI was just detected.
        unsafe { run_avx_vnni_vex(kernel) }
    } else {
        // SAFETY: the caller vouches for AVX2, F16C, FMA and one of the encodings: it is the other.
        unsafe { run_avx_vnni_evex(kernel) }
    }
}

/// # Safety
/// [`has_avx2`] and [`has_avx_vnni_vex`] are true.
#[target_feature(enable = "avx2,f16c,fma,avxvnni")]
unsafe fn run_avx_vnni_vex<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for the instructions.
    kernel.run(unsafe { Simd::<avxvnni::Bytes<avxvnni::Vex>>::new() })
}

/// # Safety
/// [`has_avx2`] and [`has_avx_vnni_evex`] are true.
#[target_feature(enable = "avx2,f16c,fma,avx512vl,avx512vnni")]
unsafe fn run_avx_vnni_evex<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for the instructions.
    kernel.run(unsafe { Simd::<avxvnni::Bytes<avxvnni::Evex>>::new() })
}

/// Whether the machine has what [`run_avx512_vnni`] enables.
pub(super) fn has_avx512_vnni() -> bool {
    has_avx2()
        && machine_has!("avx512f")
        && machine_has!("avx512bw")
        && machine_has!("avx512dq")
        && machine_has!("avx512vl")
        && machine_has!("avx512vnni")
}

/// Whether `vpermw` and `vpdpbusd` are faster together than `vpdpbusd` alone: where they have units of their own, as in
/// AMD's Zen 4. Intel's server cores have two units that do both, so that a lookup takes the place of a dot product.
pub(super) fn prefers_lookups() -> bool {
    let vendor = __cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"AuthenticAMD"
}

/// Runs `kernel` compiled with AVX-512 and VNNI.
///
/// # Safety
/// [`has_avx512_vnni`] is true.
#[target_feature(enable = "avx2,f16c,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn run_avx512_vnni<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for AVX-512 and VNNI.
    kernel.run(unsafe { Simd::<avx512::Bytes>::new() })
}

/// Runs `kernel`, which looks sums up, compiled with AVX-512 and VNNI.
///
/// # Safety
/// [`has_avx512_vnni`] is true.
#[target_feature(enable = "avx2,f16c,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn run_avx512_vnni_lookups<K: LookupKernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for AVX-512 and VNNI.
    kernel.run(unsafe { Simd::<avx512::Bytes>::new() })
}

/// Runs `kernel`, which multiplies words, compiled with AVX2.
///
/// # Safety
/// [`has_avx2`] is true.
#[target_feature(enable = "avx2,f16c,fma")]
pub(super) unsafe fn run_avx2_words<K: WordsKernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for AVX2, F16C and FMA.
    kernel.run(unsafe { Avx2::new() })
}

/// Runs `kernel`, which multiplies words, compiled with AVX-512 and VNNI.
///
/// # Safety
/// [`has_avx512_vnni`] is true.
#[target_feature(enable = "avx2,f16c,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn run_avx512_vnni_words<K: WordsKernel>(kernel: K) -> K::Output {
    // SAFETY: the caller vouches for AVX-512 and VNNI.
    kernel.run(unsafe { Avx512::new() })
}
