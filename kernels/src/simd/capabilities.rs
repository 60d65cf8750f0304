//! What only some instruction sets can do: kernels that need it are run by who has the proof that it is there.
//!
//! What belongs here: which set has what. What does not: the operations ([`Lookups`], [`Words`]).

use super::integers::Words;
use super::vector::Lookups;
#[cfg(all(feature = "simd", target_arch = "x86_64"))]
use super::x86;
use super::{Isa, Simd};

/// A kernel body for the instruction sets with [`Lookups`]; `run` as in [`Kernel`](super::Kernel).
pub(crate) trait LookupKernel {
    /// What the kernel returns.
    type Output;

    /// The body.
    fn run<V: Lookups>(self, simd: Simd<V>) -> Self::Output;
}

/// A kernel body for the instruction sets with [`Words`]; `run` as in [`Kernel`](super::Kernel).
pub(crate) trait WordsKernel {
    /// What the kernel returns.
    type Output;

    /// The body.
    fn run<I: Words>(self, integers: I) -> Self::Output;
}

/// Nothing: of what no instruction set of the target has, there is no proof.
#[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
#[derive(Debug, Clone, Copy)]
enum Never {}

/// Proof that the machine has an instruction set with [`Lookups`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct WithLookups {
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    _proof: (),
    #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
    never: Never,
}

impl WithLookups {
    /// Runs `kernel` compiled for the instruction set.
    pub(crate) fn run<K: LookupKernel>(self, kernel: K) -> K::Output {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        // SAFETY: `Isa::lookups`, which alone makes a proof, found the features of the function.
        return unsafe { x86::run_avx512_vnni_lookups(kernel) };
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        {
            let _ = kernel;
            match self.never {}
        }
    }
}

/// Proof that the machine has an instruction set with [`Words`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct WithWords {
    /// Whether the set has 512 bits.
    #[cfg(all(feature = "simd", target_arch = "x86_64"))]
    wide: bool,
    #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
    never: Never,
}

impl WithWords {
    /// Runs `kernel` compiled for the instruction set.
    pub(crate) fn run<K: WordsKernel>(self, kernel: K) -> K::Output {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        // SAFETY: `Isa::words`, which alone makes a proof, found the features of the function.
        return unsafe { if self.wide { x86::run_avx512_vnni_words(kernel) } else { x86::run_avx2_words(kernel) } };
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        {
            let _ = kernel;
            match self.never {}
        }
    }
}

impl Isa {
    /// The proof of lookups, where the instruction set has them and the machine has the instruction set.
    pub(crate) fn lookups(self) -> Option<WithLookups> {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        return (self.reads_triples() && self.is_available()).then_some(WithLookups { _proof: () });
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        None
    }

    /// The proof of products of words, where the instruction set has them and the machine has the instruction set.
    pub(crate) fn words(self) -> Option<WithWords> {
        #[cfg(all(feature = "simd", target_arch = "x86_64"))]
        return match self {
            Isa::Avx2 | Isa::AvxVnni => self.is_available().then_some(WithWords { wide: false }),
            Isa::Avx512Vnni | Isa::Avx512VnniLookup => self.is_available().then_some(WithWords { wide: true }),
            _ => None,
        };
        #[cfg(not(all(feature = "simd", target_arch = "x86_64")))]
        None
    }
}
