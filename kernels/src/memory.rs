//! Memory of tensors that are gone, for the next ones: the tensors of a prompt have megabytes each, which an allocator
//! maps, faults in and unmaps every time, and that takes a quarter of a prompt's time.
//!
//! What belongs here: what is kept, and for whom. What does not: memory that a thread keeps for itself (`kept.rs`).

use crate::cpu::Cpu;
use crate::slots::Slot;
use alloc::vec::Vec;
use trine_shapes::{Buffer, Shape, Tensor};
#[cfg(feature = "std")]
use {
    alloc::sync::Arc,
    std::sync::{Mutex, MutexGuard, PoisonError},
    trine_shapes::Home,
};

/// Numbers from which on memory is kept. An allocator has less at hand without asking the system: glibc's maps what
/// has 128 KB and more.
#[cfg(feature = "std")]
const LEAST: usize = 1 << 14;

/// Numbers that are kept at most, 256 MB: the tensors of a step of 256 tokens of a model with 70 billion weights have
/// less.
#[cfg(feature = "std")]
const MOST: usize = 1 << 26;

/// The memory that the tensors of a [`Cpu`] leave to each other. Without an operating system nothing is kept.
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
        memory.clear();
        let mut kept = self.lock();
        let place = kept.partition_point(|other| other.capacity() < memory.capacity());
        kept.insert(place, memory);
        // Small memory goes first: what grew out of it is there.
        let mut numbers: usize = kept.iter().map(Vec::capacity).sum();
        let dropped = kept.iter().take_while(|memory| {
            let too_many = numbers > MOST;
            numbers -= memory.capacity();
            too_many
        });
        let dropped = dropped.count();
        let dropped: Vec<Vec<f32>> = kept.drain(..dropped).collect();
        drop(kept);
        drop(dropped);
    }
}

impl Memory {
    /// Memory for `len` numbers and no numbers yet, and what makes a buffer of it.
    fn take(&self, len: usize) -> (Vec<f32>, impl FnOnce(Vec<f32>) -> Buffer<f32> + use<>) {
        #[cfg(feature = "std")]
        if len >= LEAST {
            let mut kept = self.kept.lock();
            let place = kept.partition_point(|memory| memory.capacity() < len);
            let memory = if place < kept.len() { Some(kept.remove(place)) } else { None };
            drop(kept);
            let home = self.kept.clone();
            let memory = memory.unwrap_or_else(|| Vec::with_capacity(len));
            return (memory, Returning(Some(home)).into_buffer());
        }
        #[cfg(feature = "std")]
        return (Vec::with_capacity(len), Returning(None).into_buffer());
        #[cfg(not(feature = "std"))]
        (Vec::with_capacity(len), Buffer::from)
    }
}

/// Where memory goes back to, if anywhere.
#[cfg(feature = "std")]
struct Returning(Option<Arc<Kept>>);

#[cfg(feature = "std")]
impl Returning {
    fn into_buffer(self) -> impl FnOnce(Vec<f32>) -> Buffer<f32> {
        move |memory| match self.0 {
            Some(home) => Buffer::lent(memory, home),
            None => Buffer::from(memory),
        }
    }
}

impl Cpu {
    /// A tensor of zeros, in memory that an earlier one of this machine has left.
    pub fn zeros<S: Shape>(&self, shape: S) -> Tensor<f32, S> {
        let len = shape.elements();
        let (mut memory, into_buffer) = self.memory().take(len);
        memory.resize(len, 0.0);
        Tensor::from_data(shape, into_buffer(memory))
    }

    /// `len` numbers that `fill` writes, in memory that an earlier tensor of this machine has left.
    ///
    /// # Safety
    /// `fill` puts a number into every slot.
    pub(crate) unsafe fn filled(&self, len: usize, fill: impl FnOnce(&mut [Slot])) -> Buffer<f32> {
        let (memory, into_buffer) = self.memory().take(len);
        // SAFETY: the caller vouches that `fill` puts a number into every slot.
        into_buffer(unsafe { Slot::filled(memory, len, fill) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine_shapes::Fixed;

    #[test]
    fn memory_of_large_tensors_is_used_again_and_small_ones_have_their_own() {
        let cpu = Cpu::new(crate::CpuOptions::default()).unwrap();
        let mut large = cpu.zeros((Fixed::<{ 2 * LEAST }>,));
        large.data_mut().fill(7.0);
        let place = large.data().as_ptr();
        drop((large, cpu.zeros((Fixed::<3>,))));
        let again = cpu.zeros((Fixed::<LEAST>,));
        assert_eq!((again.data().as_ptr(), again.data().iter().sum::<f32>()), (place, 0.0));
        assert_ne!(cpu.zeros((Fixed::<LEAST>,)).data().as_ptr(), place);
    }

    #[test]
    fn no_more_than_the_limit_is_kept() {
        let kept = Kept::default();
        for part in [2, 4, 3, 8] {
            kept.take_back(Vec::with_capacity(MOST / part));
        }
        let numbers: Vec<usize> = kept.lock().iter().map(Vec::capacity).collect();
        assert_eq!(numbers, [MOST / 4, MOST / 3, MOST / 2].map(|n| n).into_iter().skip(1).collect::<Vec<_>>());
    }
}
