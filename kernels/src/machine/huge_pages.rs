//! Memory in huge pages: what is read from end to end for every token is read faster in pages of 2 MB, each of which
//! has one address to translate where there were 512, and which prefetching by the processor need not leave.
//!
//! What belongs here: how such memory is asked for. What does not: what lies in it.

use alloc::vec::Vec;
use bytemuck::Pod;
use core::ops::{Deref, DerefMut};
#[cfg(all(feature = "std", target_os = "linux"))]
use memmap2::{Advice, MmapMut};

/// Some numbers, in huge pages as far as they fill them and the system has any. It may have none, which changes nothing
/// but speed.
#[derive(Debug)]
pub(crate) struct HugePages<T>(Memory<T>);

#[derive(Debug)]
enum Memory<T> {
    /// As many numbers as the second field says.
    #[cfg(all(feature = "std", target_os = "linux"))]
    Map(MmapMut, usize),
    Vec(Vec<T>),
}

impl<T: Pod> HugePages<T> {
    /// `len` zeros, in pages that the system provides when they are first written; `None` where it refuses them.
    pub(crate) fn zeros(len: usize) -> Option<Self> {
        #[cfg(all(feature = "std", target_os = "linux"))]
        {
            /// Bytes of a huge page where pages have 4 KB.
            const HUGE: usize = 2 << 20;

            let bytes = len.checked_mul(size_of::<T>())?;
            if bytes >= HUGE {
                // Linux has maps of whole huge pages begin at one since 6.7; older versions may lose the first and
                // the last.
                let map = MmapMut::map_anon(bytes.checked_next_multiple_of(HUGE)?).ok()?;
                // What does not fill a huge page stays in small ones, so that memory grows by what is written.
                // Systems without huge pages refuse them, and everything stays in small ones.
                let _ = map.advise_range(Advice::HugePage, 0, bytes / HUGE * HUGE);
                return Some(HugePages(Memory::Map(map, len)));
            }
        }
        // Memory that the system zeroes ends the process where there is none: so ask for as much before.
        Vec::<T>::new().try_reserve_exact(len).ok()?;
        Some(HugePages(Memory::Vec(bytemuck::zeroed_vec(len))))
    }
}

/// Whether the system gives so many bytes, of which none is written.
pub(crate) fn memory_has(bytes: usize) -> bool {
    #[cfg(all(feature = "std", target_os = "linux"))]
    {
        MmapMut::map_anon(bytes.max(1)).is_ok()
    }
    #[cfg(not(all(feature = "std", target_os = "linux")))]
    {
        Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
    }
}

impl<T: Pod> Deref for HugePages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            #[cfg(all(feature = "std", target_os = "linux"))]
            Memory::Map(map, len) => bytemuck::cast_slice(&map[..len * size_of::<T>()]),
            Memory::Vec(numbers) => numbers,
        }
    }
}

impl<T: Pod> DerefMut for HugePages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            #[cfg(all(feature = "std", target_os = "linux"))]
            Memory::Map(map, len) => bytemuck::cast_slice_mut(&mut map[..*len * size_of::<T>()]),
            Memory::Vec(numbers) => numbers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HugePages;

    #[test]
    fn memory_is_zero_and_can_be_written_whatever_its_length() {
        for len in [0, 1, 1 << 10, (1 << 18) + 1, (5 << 18) + 3] {
            let mut memory = HugePages::<u64>::zeros(len).expect("memory");
            assert!(memory.len() == len && memory.iter().all(|&number| number == 0));
            memory.fill(7);
            assert!(memory.iter().all(|&number| number == 7));
        }
    }

    #[test]
    fn memory_that_no_machine_has_is_refused() {
        for len in [usize::MAX, usize::MAX / 8, usize::MAX / 16 - (1 << 20)] {
            assert!(HugePages::<u64>::zeros(len).is_none(), "{len}");
        }
    }
}
