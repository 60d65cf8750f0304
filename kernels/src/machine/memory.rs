//! Memory of tensors that are gone, for the next ones: the tensors of a prompt have megabytes each, which an allocator
//! maps, faults in and unmaps every time, and that takes a quarter of a prompt's time.
//!
//! What belongs here: what is kept, and for whom. What does not: memory that a thread keeps for itself
//! ([`crate::machine::scratch`]).

use super::Machine;
use crate::machine::outputs::Output;
use alloc::vec::Vec;
use trine_memory::Buffer;
#[cfg(feature = "std")]
use {
    alloc::sync::Arc,
    std::sync::{Mutex, MutexGuard, PoisonError},
    trine_memory::Home,
};

/// Numbers from which on memory is kept. An allocator has less at hand without asking the system: glibc's maps what
/// has 128 KB and more.
#[cfg(feature = "std")]
const LEAST: usize = 1 << 14;

/// Numbers that are kept at most, 256 MB: the tensors of a step of 256 tokens of a model with 70 billion weights have
/// less.
#[cfg(feature = "std")]
const MOST: usize = 1 << 26;

/// The memory that the tensors of a [`Machine`] leave to each other. Without an operating system nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    #[cfg(feature = "std")]
    kept: Arc<Kept>,
}

#[cfg(feature = "std")]
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Vec<f32>>>);

#[cfg(feature = "std")]
impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<f32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "std")]
impl Home<f32> for Kept {
    fn take_back(&self, mut memory: Vec<f32>) {
        if memory.capacity() > MOST {
            return;
        }
        memory.clear();
        let mut kept = self.lock();
        let place = kept.partition_point(|other| other.capacity() < memory.capacity());
        kept.insert(place, memory);
        // Small memory goes first: what grew out of it is there.
        let (mut numbers, mut count): (usize, _) = (kept.iter().map(Vec::capacity).sum(), 0);
        while numbers > MOST {
            numbers -= kept[count].capacity();
            count += 1;
        }
        let dropped: Vec<Vec<f32>> = kept.drain(..count).collect();
        // The system takes its time, for which nobody need wait.
        drop(kept);
        drop(dropped);
    }
}

impl Memory {
    /// Memory that has room for `len` numbers and none yet.
    fn take(&self, len: usize) -> Vec<f32> {
        #[cfg(feature = "std")]
        if len >= LEAST {
            let mut kept = self.kept.lock();
            let place = kept.partition_point(|memory| memory.capacity() < len);
            if place < kept.len() {
                return kept.remove(place);
            }
        }
        Vec::with_capacity(len)
    }

    /// Numbers whose memory comes back here, where there is enough of it.
    fn lend(&self, numbers: Vec<f32>) -> Buffer<f32> {
        #[cfg(feature = "std")]
        if numbers.capacity() >= LEAST {
            return Buffer::lent(numbers, self.kept.clone());
        }
        Buffer::from(numbers)
    }
}

impl Machine {
    /// `len` zeros, in memory that an earlier tensor of this machine has left.
    pub fn zeros(&self, len: usize) -> Buffer<f32> {
        let mut numbers = self.memory().take(len);
        numbers.resize(len, 0.0);
        self.memory().lend(numbers)
    }

    /// `len` numbers that `fill` writes, in memory that an earlier tensor of this machine has left.
    ///
    /// # Safety
    /// `fill` puts a number into every output.
    pub(crate) unsafe fn filled(&self, len: usize, fill: impl FnOnce(&mut [Output])) -> Buffer<f32> {
        // SAFETY: the caller vouches that `fill` puts a number into every output.
        let numbers = unsafe { Output::filled(self.memory().take(len), len, fill) };
        self.memory().lend(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_large_tensors_is_used_again_and_small_ones_have_their_own() {
        let cpu = Machine::new(crate::CpuOptions::default()).unwrap();
        let mut large = cpu.zeros(2 * LEAST);
        large.fill(7.0);
        let place = large.as_ptr();
        drop((large, cpu.zeros(3)));
        let again = cpu.zeros(LEAST);
        assert_eq!((again.as_ptr(), again.iter().sum::<f32>()), (place, 0.0));
        assert_ne!(cpu.zeros(LEAST).as_ptr(), place);
    }

    #[test]
    fn no_more_than_the_limit_is_kept_and_small_memory_goes_first() {
        let kept = Kept::default();
        let after = |numbers: usize| {
            kept.take_back(Vec::with_capacity(numbers));
            kept.lock().iter().map(Vec::capacity).collect::<Vec<usize>>()
        };
        assert_eq!(after(MOST / 2), [MOST / 2]);
        assert_eq!(after(MOST / 4), [MOST / 4, MOST / 2]);
        assert_eq!(after(MOST / 3), [MOST / 3, MOST / 2]);
        assert_eq!(after(MOST / 8), [MOST / 8, MOST / 3, MOST / 2]);
        assert_eq!(after(MOST + 1), [MOST / 8, MOST / 3, MOST / 2], "what is larger than the limit pushes nothing out");
        assert_eq!(after(MOST), [MOST]);
    }
}
