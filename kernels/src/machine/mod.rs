//! The machine that kernels run on: an instruction set and a pool of threads, chosen once.
//!
//! What belongs here: options, the pool, and how work is cut over threads. What does not: arithmetic (its modules) and
//! the detection of instruction sets ([`crate::simd`]). Nothing here reads environment variables.

pub(crate) mod columns;
pub(crate) mod huge_pages;
#[cfg(feature = "std")]
pub mod limits;
mod memory;
pub(crate) mod outputs;
pub(crate) mod parallel;
#[cfg(feature = "threads")]
mod pool;
#[cfg_attr(not(any(feature = "threads", test)), allow(dead_code, reason = "one thread does all the work"))]
mod schedule;
pub(crate) mod scratch;

use alloc::string::String;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
#[cfg(feature = "threads")]
use std::thread;

use crate::machine::columns::ColumnsMut;
#[cfg(feature = "threads")]
use crate::machine::pool::{InJob, Pool};
#[cfg(feature = "threads")]
use crate::machine::schedule::Schedule;
use crate::machine::schedule::{ColumnChunk, Items, Work};
use crate::simd::Isa;
use memory::Memory;

/// What a [`Machine`] should use; the default is everything the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuOptions {
    /// Number of worker threads. `None`: one per physical core.
    pub threads: Option<NonZeroUsize>,
    /// Instruction set of the kernels. `None`: the best that the machine has. Results do not depend on it.
    pub isa: Option<Isa>,
}

/// The most threads of a [`Machine`]: far more than cores there are, and few enough to start. One without the feature
/// `threads`.
pub const MAX_THREADS: usize = if cfg!(feature = "threads") { 1024 } else { 1 };

/// Why a [`Machine`] could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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

/// An instruction set and a pool of threads; the receiver of every operation of this crate. Clones share the pool,
/// which ends with the last of them.
///
/// Any number of threads may call the operations of one `Machine` at the same time. Each piece of work is offered to
/// all threads of the pool that are worth it, one after the other in the order in which they were handed over; none is
/// done by its caller alone because the pool is busy. So several callers take turns and gain nothing over one: what
/// they have is fastest as rows of one operation.
#[derive(Debug, Clone)]
pub struct Machine {
    inner: Arc<Inner>,
}

/// What clones share.
#[derive(Debug)]
struct Inner {
    isa: Isa,
    #[cfg(feature = "threads")]
    pool: Pool,
    fork_joins: AtomicUsize,
    memory: Memory,
}

impl Machine {
    /// Starts the threads of `options` and fixes the instruction set.
    ///
    /// # Errors
    /// [`CpuError::IsaUnavailable`] where the machine lacks the instruction set asked for; [`CpuError::Threads`] where
    /// the threads cannot be started.
    pub fn new(options: CpuOptions) -> Result<Machine, CpuError> {
        let isa = options.isa.unwrap_or_else(Isa::detect);
        if !isa.is_available() {
            return Err(CpuError::IsaUnavailable { requested: isa, available: Isa::available() });
        }
        let threads = options.threads.map_or_else(default_threads, NonZeroUsize::get);
        if threads > MAX_THREADS {
            return Err(CpuError::TooManyThreads { threads });
        }
        let inner = Inner {
            isa,
            #[cfg(feature = "threads")]
            pool: Pool::new(threads).map_err(|source| CpuError::Threads { threads, source })?,
            fork_joins: AtomicUsize::new(0),
            memory: Memory::default(),
        };
        Ok(Machine { inner: Arc::new(inner) })
    }

    /// The instruction set that kernels use.
    pub fn isa(&self) -> Isa {
        self.inner.isa
    }

    /// The number of threads of the pool.
    #[cfg(feature = "threads")]
    pub fn threads(&self) -> usize {
        self.inner.pool.threads()
    }

    /// The one thread there is without the feature `threads`.
    #[cfg(not(feature = "threads"))]
    pub fn threads(&self) -> usize {
        1
    }

    /// The memory that tensors leave to each other.
    pub(crate) fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    /// How often work was handed over to all threads so far, by all clones.
    pub fn fork_joins(&self) -> u64 {
        self.inner.fork_joins.load(Ordering::Relaxed) as u64
    }

    /// Cuts the columns of a row-major output of `columns` columns into chunks and fills them in parallel.
    ///
    /// `fill(first_column, chunk)` gets disjoint chunks that start at multiples of `granule` columns and have `least`
    /// columns or more, the last ones excepted. A product `y[token, out]` is cut this way over `out`, which is over the
    /// rows of the weight matrix.
    ///
    /// # Panics
    /// If `columns` does not divide the length of `y`, or `granule` is 0.
    pub(crate) fn for_column_chunks<T, F>(&self, y: &mut [T], columns: usize, granule: usize, least: usize, fill: F)
    where
        T: Send,
        F: Fn(usize, ColumnsMut<'_, T>) + Send + Sync,
    {
        assert!(granule > 0, "a chunk has at least one column");
        if y.is_empty() {
            return;
        }
        let chunk = ColumnChunk { first: 0, columns: ColumnsMut::new(y, columns), granule };
        self.share_out(chunk, least.div_ceil(granule), |chunk| fill(chunk.first, chunk.columns));
    }

    /// Calls `work(index, item)` for every item of `items`, in parallel where threads are free: none may wait for
    /// another.
    pub fn for_each<T, F>(&self, items: &mut [T], work: F)
    where
        T: Send,
        F: Fn(usize, &mut T) + Send + Sync,
    {
        self.for_each_by(items, 1, work);
    }

    /// As [`Machine::for_each`], with at least `least` items for a thread, so that small items are worth their start.
    pub fn for_each_by<T, F>(&self, items: &mut [T], least: usize, work: F)
    where
        T: Send,
        F: Fn(usize, &mut T) + Send + Sync,
    {
        self.share_out(Items { first: 0, items }, least, |share| {
            for (offset, item) in share.items.iter_mut().enumerate() {
                work(share.first + offset, item);
            }
        });
    }

    /// Calls `run` for shares of `work` on all threads, or here where there is no more than `least` units.
    fn share_out<W: Work + Send>(&self, work: W, least: usize, run: impl Fn(W) + Send + Sync) {
        if self.threads() == 1 || work.units() <= least.max(1) {
            return run(work);
        }
        #[cfg(feature = "threads")]
        {
            let Some(in_job) = InJob::enter() else { return run(work) };
            self.inner.fork_joins.fetch_add(1, Ordering::Relaxed);
            let units = work.units();
            let shares = Schedule::new(work, self.threads(), least);
            // A thread has the same stretch of a matrix for every token: what it read lies in the caches of its core
            // and, where several processors have memory of their own, near it.
            let job = |own| {
                while let Some(share) = shares.next(own) {
                    run(share);
                }
            };
            self.inner.pool.share_out(in_job, &job, units, least);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(threads: usize) -> Machine {
        Machine::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(Isa::Portable) }).unwrap()
    }

    #[test]
    fn options_are_kept_and_the_default_is_the_best_of_the_machine() {
        assert_eq!((cpu(3).threads(), cpu(3).isa()), (3, Isa::Portable));
        let default = Machine::new(CpuOptions::default()).unwrap();
        assert_eq!((default.threads(), default.isa()), (default_threads(), Isa::detect()));
    }

    #[test]
    fn a_missing_instruction_set_is_refused() {
        for isa in Isa::ALL {
            let cpu = Machine::new(CpuOptions { isa: Some(isa), ..CpuOptions::default() });
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
            cpu(threads).for_column_chunks(&mut y, columns, granule, least, |first, mut chunk| {
                assert!(first.is_multiple_of(granule) && chunk.rows() == rows);
                for row in 0..rows {
                    for (i, value) in chunk.row(row).iter_mut().enumerate() {
                        *value += (row * columns + first + i) as f32;
                    }
                }
            });
            let expected: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            assert_eq!(y, expected, "{threads} threads, {rows} x {columns}, granule {granule}");
        }
    }

    /// Clones are one pool: what one hands over, all count.
    #[test]
    fn clones_share_threads() {
        let first = cpu(2);
        let second = first.clone();
        second.for_each(&mut [0; 2], |_, item| *item += 1);
        assert_eq!((first.fork_joins(), second.threads(), second.isa()), (1, 2, Isa::Portable));
        drop(first);
        second.for_each(&mut [0; 2], |_, item| *item += 1);
        assert_eq!(second.fork_joins(), 2);
    }

    /// Two threads step with one `Machine`: every piece of work of each is offered to all threads of the pool.
    #[test]
    fn callers_take_turns() {
        let cpu = cpu(2);
        thread::scope(|scope| {
            for cpu in [cpu.clone(), cpu.clone()] {
                scope.spawn(move || {
                    for number in 0..300 {
                        let mut items = [0; 7];
                        cpu.for_each(&mut items, |index, item| *item = index + number);
                        assert_eq!(items, core::array::from_fn(|index| index + number));
                    }
                });
            }
        });
        assert_eq!(cpu.fork_joins(), 600);
    }

    /// Work inside of work is done where it starts, and is no further fork-join.
    #[test]
    fn work_inside_of_work_is_not_shared_out() {
        let cpu = cpu(2);
        let mut items = [[0; 9]; 4];
        cpu.for_each(&mut items, |outer, items| {
            let thread = thread::current().id();
            cpu.for_each(items, |inner, item| {
                assert_eq!(thread::current().id(), thread);
                *item = 10 * outer + inner;
            });
        });
        assert_eq!(items, core::array::from_fn(|outer| core::array::from_fn(|inner| 10 * outer + inner)));
        assert_eq!(cpu.fork_joins(), 1);
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
