//! The machine that kernels run on: an instruction set and a pool of threads, chosen once.
//!
//! What belongs here: options, the pool, and how work is cut over threads. What does not: arithmetic (its modules) and
//! the detection of instruction sets ([`crate::arch`]). Nothing here reads environment variables.

use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
#[cfg(feature = "threads")]
use std::{
    sync::{Mutex, PoisonError},
    thread,
};

use crate::arch::Isa;
#[cfg(feature = "threads")]
use crate::pool::Pool;

/// What a [`Cpu`] should use; the default is everything the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuOptions {
    /// Number of worker threads. `None`: one per physical core.
    pub threads: Option<NonZeroUsize>,
    /// Instruction set of the kernels. `None`: the best that the machine has. Results do not depend on it.
    pub isa: Option<Isa>,
}

/// The most threads of a [`Cpu`]: far more than cores of a machine, and few enough to start. One without the feature
/// `threads`.
pub const MAX_THREADS: usize = if cfg!(feature = "threads") { 1024 } else { 1 };

/// Shares of work for each thread, so that one that comes late or is interrupted does not hold up the others for long.
const SHARES: usize = 8;

/// Why a [`Cpu`] could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CpuError {
    /// The instruction set asked for is not in this machine.
    #[error("instruction set {requested} is not available on this machine, which has {}", list(.available))]
    IsaUnavailable {
        /// What was asked for.
        requested: Isa,
        /// What the machine has.
        available: Vec<Isa>,
    },
    /// More threads than [`MAX_THREADS`].
    #[error("{threads} threads are more than {MAX_THREADS}; a thread for each physical core is best")]
    TooManyThreads {
        /// Number of threads asked for.
        threads: usize,
    },
    /// The operating system did not give the threads.
    #[cfg(feature = "threads")]
    #[error("cannot start a pool of {threads} threads; ask for fewer")]
    Threads {
        /// Number of threads asked for.
        threads: usize,
        /// What the system says.
        source: std::io::Error,
    },
}

fn list(isas: &[Isa]) -> String {
    isas.iter().map(Isa::to_string).collect::<Vec<_>>().join(", ")
}

/// An instruction set and a pool of threads; the receiver of every operation of this crate.
#[derive(Debug)]
pub struct Cpu {
    isa: Isa,
    #[cfg(feature = "threads")]
    pool: Pool,
    hand_overs: AtomicUsize,
}

impl Cpu {
    /// Starts the threads of `options` and fixes the instruction set.
    ///
    /// # Errors
    /// [`CpuError::IsaUnavailable`] where the machine lacks the instruction set asked for; [`CpuError::Threads`] where
    /// the threads cannot be started.
    pub fn new(options: CpuOptions) -> Result<Cpu, CpuError> {
        let isa = options.isa.unwrap_or_else(Isa::detect);
        if !isa.is_available() {
            return Err(CpuError::IsaUnavailable { requested: isa, available: Isa::available() });
        }
        let threads = options.threads.map_or_else(default_threads, NonZeroUsize::get);
        if threads > MAX_THREADS {
            return Err(CpuError::TooManyThreads { threads });
        }
        Ok(Cpu {
            isa,
            #[cfg(feature = "threads")]
            pool: Pool::new(threads).map_err(|source| CpuError::Threads { threads, source })?,
            hand_overs: AtomicUsize::new(0),
        })
    }

    /// The instruction set that kernels use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The number of threads of the pool.
    #[cfg(feature = "threads")]
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The one thread there is without the feature `threads`.
    #[cfg(not(feature = "threads"))]
    pub fn threads(&self) -> usize {
        1
    }

    /// How often work was handed over to all threads so far.
    pub fn hand_overs(&self) -> u64 {
        self.hand_overs.load(Ordering::Relaxed) as u64
    }

    /// Cuts the columns of a row-major `[rows, columns]` output into chunks and fills them in parallel.
    ///
    /// `fill(first_column, parts)` receives, for one chunk, the part of each row that belongs to it, in row order.
    /// Chunks start at multiples of `granule` columns and have `least` columns or more, the last one excepted; there
    /// are up to eight for each thread. A product `y[token, out]` is cut this way over `out`, which is over the rows of
    /// the weight matrix.
    ///
    /// # Panics
    /// If `columns` does not divide the length of `y`, or `granule` is 0.
    pub(crate) fn for_column_chunks<F>(&self, y: &mut [f32], columns: usize, granule: usize, least: usize, fill: F)
    where
        F: Fn(usize, &mut [&mut [f32]]) + Send + Sync,
    {
        assert!(granule > 0, "a chunk has at least one column");
        if y.is_empty() {
            return;
        }
        assert_eq!(y.len() % columns, 0, "the output has whole rows");
        let width = chunk_width(columns, granule, least, self.threads());
        let mut chunks: Vec<Vec<&mut [f32]>> = Vec::new();
        chunks.resize_with(columns.div_ceil(width), Vec::new);
        for row in y.chunks_exact_mut(columns) {
            for (chunk, part) in chunks.iter_mut().zip(row.chunks_mut(width)) {
                chunk.push(part);
            }
        }
        self.for_each(&mut chunks, |index, parts| fill(index * width, parts));
    }

    /// Calls `work(index, item)` for every item of `items`, in parallel.
    pub(crate) fn for_each<T, F>(&self, items: &mut [T], work: F)
    where
        T: Send,
        F: Fn(usize, &mut T) + Send + Sync,
    {
        self.for_each_by(items, 1, work);
    }

    /// As [`Cpu::for_each`], with at least `least` items for a thread, so that small items are worth their start.
    pub(crate) fn for_each_by<T, F>(&self, items: &mut [T], least: usize, work: F)
    where
        T: Send,
        F: Fn(usize, &mut T) + Send + Sync,
    {
        if self.threads() == 1 || items.len() <= least {
            return items.iter_mut().enumerate().for_each(|(index, item)| work(index, item));
        }
        #[cfg(feature = "threads")]
        self.share_out(items, least, work);
    }

    /// Calls `work` for every item on all threads, with `least` items or more for each share of the work.
    #[cfg(feature = "threads")]
    fn share_out<T, F>(&self, items: &mut [T], least: usize, work: F)
    where
        T: Send,
        F: Fn(usize, &mut T) + Send + Sync,
    {
        self.hand_overs.fetch_add(1, Ordering::Relaxed);
        let shares = Mutex::new(Shares::new(items, self.threads(), least));
        let tickets = AtomicUsize::new(0);
        self.pool.broadcast(&|| {
            let own = tickets.fetch_add(1, Ordering::Relaxed);
            // Nothing panics while it holds the lock.
            let next_share = || shares.lock().unwrap_or_else(PoisonError::into_inner).next(own);
            while let Some((first, items)) = next_share() {
                for (offset, item) in items.iter_mut().enumerate() {
                    work(first + offset, item);
                }
            }
        });
    }
}

/// Items that threads take a share of, again and again. Each thread has a stretch of its own and takes it from the
/// front, so that it reads memory in one stream; who has none left takes from the back of the longest.
#[cfg(feature = "threads")]
struct Shares<'a, T> {
    /// What is left of each thread's stretch, and the index of its first item.
    stretches: Vec<(usize, &'a mut [T])>,
    /// Items of a share.
    share: usize,
}

#[cfg(feature = "threads")]
impl<'a, T> Shares<'a, T> {
    fn new(mut items: &'a mut [T], threads: usize, least: usize) -> Self {
        // A few shares for each thread, so that one that comes late does not hold up the others.
        let share = items.len().div_ceil(SHARES * threads).max(least);
        let stretch = items.len().div_ceil(share).div_ceil(threads) * share;
        let mut stretches = Vec::with_capacity(threads);
        for thread in 0..threads {
            let len = stretch.min(items.len());
            stretches.push((thread * stretch, items.split_off_mut(..len).expect("so many are left")));
        }
        Shares { stretches, share }
    }

    /// The index of the first item of a share, and its items; `None` where all have been taken.
    fn next(&mut self, own: usize) -> Option<(usize, &'a mut [T])> {
        if let Some((first, items)) = self.stretches.get_mut(own).filter(|(_, items)| !items.is_empty()) {
            let taken = items.split_off_mut(..self.share.min(items.len()))?;
            let at = *first;
            *first += taken.len();
            return Some((at, taken));
        }
        let (first, items) = self.stretches.iter_mut().max_by_key(|(_, items)| items.len())?;
        let left = items.len().saturating_sub(self.share);
        let taken = items.split_off_mut(left..).filter(|taken| !taken.is_empty())?;
        Some((*first + left, taken))
    }
}

/// The number of threads where none is asked for: the physical cores, as many of them as the process may use.
#[cfg(feature = "threads")]
fn default_threads() -> usize {
    let usable = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    num_cpus::get_physical().clamp(1, usable)
}

/// The one thread there is without the feature `threads`.
#[cfg(not(feature = "threads"))]
fn default_threads() -> usize {
    1
}

/// Columns of a chunk of [`Cpu::for_column_chunks`]: those of the most shares for each thread, unless fewer shares let
/// threads end closer to each other.
fn chunk_width(columns: usize, granule: usize, least: usize, threads: usize) -> usize {
    let granules = columns.div_ceil(granule);
    let width = |shares: usize| granules.div_ceil(shares * threads) * granule;
    // Columns of the thread that has the most of them.
    let most = |width: usize| columns.div_ceil(width).div_ceil(threads) * width;
    let shares = if threads == 1 { 1 } else { SHARES };
    let widths = (1..=shares).rev().map(width).filter(|&width| width >= least);
    widths.min_by_key(|&width| most(width)).unwrap_or_else(|| least.next_multiple_of(granule))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(threads: usize) -> Cpu {
        Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(Isa::Portable) }).unwrap()
    }

    #[test]
    fn options_are_kept_and_the_default_is_the_best_of_the_machine() {
        assert_eq!((cpu(3).threads(), cpu(3).isa()), (3, Isa::Portable));
        let default = Cpu::new(CpuOptions::default()).unwrap();
        assert_eq!((default.threads(), default.isa()), (default_threads(), Isa::detect()));
    }

    #[test]
    fn a_missing_instruction_set_is_refused() {
        for isa in Isa::ALL {
            let cpu = Cpu::new(CpuOptions { isa: Some(isa), ..CpuOptions::default() });
            match cpu {
                Ok(cpu) => assert!(isa.is_available() && cpu.isa() == isa),
                Err(error) => {
                    assert!(!isa.is_available());
                    assert!(error.to_string().contains(isa.name()), "{error}");
                }
            }
        }
    }

    /// Every column of every row is given out once, in chunks that start at the granule.
    #[test]
    fn chunks_cover_the_output() {
        for (threads, rows, columns, granule, least) in [
            (1, 2, 5, 4, 1),
            (2, 3, 100, 16, 20),
            (3, 1, 7, 1, 1),
            (4, 5, 33, 32, 64),
            (2, 4, 6, 64, 1),
            (2, 3, 50, 4, 90),
        ] {
            let mut y = vec![0.0; rows * columns];
            cpu(threads).for_column_chunks(&mut y, columns, granule, least, |first, parts| {
                assert!(first.is_multiple_of(granule) && parts.len() == rows);
                for (row, part) in parts.iter_mut().enumerate() {
                    for (i, value) in part.iter_mut().enumerate() {
                        *value += (row * columns + first + i) as f32;
                    }
                }
            });
            let expected: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            assert_eq!(y, expected, "{threads} threads, {rows} x {columns}, granule {granule}");
        }
    }

    /// Eight chunks for each thread, fewer where those would not be equal, and none below the least.
    #[test]
    fn chunks_are_equal_and_large_enough() {
        assert_eq!(chunk_width(2560, 32, 1, 2), 160);
        assert_eq!(chunk_width(640, 32, 1, 2), 64);
        assert_eq!(chunk_width(640, 8, 205, 2), 320);
        assert_eq!(chunk_width(640, 8, 700, 2), 704);
        assert_eq!(chunk_width(640, 32, 1, 1), 640);
        assert_eq!(chunk_width(33, 32, 1, 4), 32);
    }

    #[test]
    fn items_are_visited_once() {
        for (threads, count, least) in [(1, 9, 1), (3, 100, 1), (3, 100, 40), (2, 3, 8)] {
            let mut items = vec![0; count];
            cpu(threads).for_each_by(&mut items, least, |index, item| *item += index);
            assert_eq!(items, (0..count).collect::<Vec<_>>());
        }
    }
}
