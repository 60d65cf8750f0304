//! How work is dealt out among threads: smaller shares the less is left, so that all end at the same time.
//!
//! What belongs here: what can be divided, and who takes what. What does not: threads ([`crate::Machine`]).

#[cfg(feature = "threads")]
use {
    alloc::vec::Vec,
    core::sync::atomic::{AtomicUsize, Ordering},
    std::sync::{Mutex, PoisonError},
};

use crate::machine::columns::ColumnsMut;

/// Work that consists of a number of units.
pub(crate) trait Work: Sized {
    /// Number of units.
    fn units(&self) -> usize;

    /// The first `units` of them, and the others.
    fn split_at(self, units: usize) -> (Self, Self);
}

/// Items, and the index of the first.
pub(crate) struct Items<'a, T> {
    pub(crate) first: usize,
    pub(crate) items: &'a mut [T],
}

impl<T> Work for Items<'_, T> {
    fn units(&self) -> usize {
        self.items.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (items, others) = self.items.split_at_mut(units);
        (Items { first: self.first, items }, Items { first: self.first + units, items: others })
    }
}

/// Columns of an output, cut at multiples of `granule`, and the number of the first.
pub(crate) struct ColumnChunk<'a, T> {
    pub(crate) first: usize,
    pub(crate) columns: ColumnsMut<'a, T>,
    pub(crate) granule: usize,
}

impl<T> Work for ColumnChunk<'_, T> {
    fn units(&self) -> usize {
        self.columns.width().div_ceil(self.granule)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let ColumnChunk { first, columns, granule } = self;
        let width = columns.width().min(units * granule);
        let (columns, others) = columns.split_at(width);
        (ColumnChunk { first, columns, granule }, ColumnChunk { first: first + width, columns: others, granule })
    }
}

/// Work that threads take a share of, again and again. Each thread has a stretch of its own and takes half of what is
/// left of it, from the front, so that it reads memory in one stream; who has none left takes half of the longest
/// other, from the back.
#[cfg(feature = "threads")]
pub(crate) struct Schedule<W> {
    stretches: Vec<Stretch<W>>,
    /// The least units of a share.
    least: usize,
}

/// What is left of the work of a thread. It has cache lines of its own, so that threads meet where they take from one
/// another and nowhere else: with one lock for all, tens of threads would wait for it longer than they work.
#[cfg(feature = "threads")]
#[repr(align(128))]
struct Stretch<W> {
    work: Mutex<Option<W>>,
    /// Its units, which change with the lock held.
    left: AtomicUsize,
}

#[cfg(feature = "threads")]
impl<W: Work> Stretch<W> {
    fn new(work: W) -> Self {
        Stretch { left: AtomicUsize::new(work.units()), work: Mutex::new(Some(work)) }
    }

    fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    /// Half of what is left, or `least` units: from the front for its own thread, from the back for others. `None`
    /// where nothing is left.
    fn take(&self, least: usize, is_own: bool) -> Option<W> {
        // Nothing panics while it holds the lock.
        let mut place = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let stretch = place.take()?;
        let units = stretch.units();
        let share = (units / 2).max(least).min(units);
        let (taken, rest) = if is_own {
            stretch.split_at(share)
        } else {
            let (rest, taken) = stretch.split_at(units - share);
            (taken, rest)
        };
        self.left.store(units - share, Ordering::Relaxed);
        *place = (share < units).then_some(rest);
        (share > 0).then_some(taken)
    }
}

#[cfg(feature = "threads")]
impl<W: Work> Schedule<W> {
    /// A stretch of `work` for each thread that finds `least` units, and no shares below that but the last of each.
    pub(crate) fn new(work: W, threads: usize, least: usize) -> Self {
        let (units, mut rest) = (work.units(), work);
        let threads = threads.min(units / least.max(1)).max(1);
        let mut stretches = Vec::with_capacity(threads);
        for thread in 1..threads {
            let (stretch, others) = rest.split_at(units * thread / threads - units * (thread - 1) / threads);
            stretches.push(Stretch::new(stretch));
            rest = others;
        }
        stretches.push(Stretch::new(rest));
        Schedule { stretches, least: least.max(1) }
    }

    /// A share for the thread with the number `own`; `None` where all is taken.
    pub(crate) fn next(&self, own: usize) -> Option<W> {
        if let Some(share) = self.stretches.get(own).and_then(|stretch| stretch.take(self.least, true)) {
            return Some(share);
        }
        loop {
            let longest = self.stretches.iter().max_by_key(|stretch| stretch.left())?;
            if longest.left() == 0 {
                return None;
            }
            // Another thread may have taken what was left.
            if let Some(share) = longest.take(self.least, false) {
                return Some(share);
            }
        }
    }
}

#[cfg(all(test, feature = "threads"))]
mod tests {
    use super::*;

    /// The indices of each share that the threads in `order` get, until nothing is left.
    fn shares(count: usize, threads: usize, least: usize, order: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
        let mut numbers: Vec<usize> = (0..count).collect();
        let shares = Schedule::new(Items { first: 0, items: &mut numbers }, threads, least);
        let next = order.map_while(|thread| shares.next(thread));
        next.map(|share| {
            assert!(share.items.iter().copied().eq(share.first..share.first + share.items.len()));
            share.items.to_vec()
        })
        .collect()
    }

    #[test]
    fn a_thread_takes_half_of_its_own_and_then_of_the_longest_other() {
        let found = shares(20, 2, 2, [0, 0, 0, 0, 0, 1, 0, 1, 0, 1].into_iter());
        let expected = [0..5, 5..7, 7..9, 9..10, 15..20, 10..12, 13..15, 12..13];
        assert_eq!(found, expected.map(Vec::from_iter));
    }

    /// Threads that take what they can get at the same time.
    #[test]
    fn everything_is_taken_once_by_threads() {
        for (count, threads, least) in [(1000, 4, 1), (37, 8, 2), (5, 6, 3)] {
            let mut numbers: Vec<usize> = (0..count).collect();
            let shares = Schedule::new(Items { first: 0, items: &mut numbers }, threads, least);
            let taken = |own| {
                let shares = &shares;
                move || {
                    std::iter::from_fn(|| shares.next(own)).flat_map(|share| share.items.to_vec()).collect::<Vec<_>>()
                }
            };
            let mut found = std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads).map(|own| scope.spawn(taken(own))).collect();
                workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
            });
            found.sort_unstable();
            assert!(found.into_iter().eq(0..count), "{count} for {threads}");
        }
    }

    #[test]
    fn everything_is_taken_once() {
        for (count, threads, least) in [(0, 2, 1), (1, 3, 1), (7, 3, 2), (100, 4, 1), (64, 5, 9), (5, 2, 50)] {
            let mut found: Vec<usize> =
                shares(count, threads, least, (0..).map(|turn| turn * turn % (threads + 1))).concat();
            found.sort_unstable();
            assert_eq!(found, (0..count).collect::<Vec<_>>(), "{count} for {threads}");
        }
    }

    /// Of 100 items for 64 threads, 12 of which find 8: only the last share of each stretch is smaller.
    #[test]
    fn shares_are_large_enough() {
        for (count, threads, least, stretches) in [(100, 64, 8, 12), (100, 3, 40, 2), (7, 2, 9, 1)] {
            let found = shares(count, threads, least, 0..threads * count);
            let small = found.iter().filter(|share| share.len() < least).count();
            assert!(small <= stretches && found.iter().map(Vec::len).sum::<usize>() == count, "{found:?}");
        }
        assert_eq!(shares(100, 3, 40, [0, 1, 2].into_iter()).iter().map(Vec::len).collect::<Vec<_>>(), [40, 40, 10]);
    }

    #[test]
    fn chunks_are_cut_at_granules() {
        let mut elements = vec![0; 3 * 37];
        let chunk = ColumnChunk { first: 0, columns: ColumnsMut::new(&mut elements, 37), granule: 8 };
        assert_eq!(chunk.units(), 5);
        let (left, right) = chunk.split_at(4);
        assert_eq!((left.columns.width(), right.first, right.columns.width(), right.units()), (32, 32, 5, 1));
        assert_eq!(right.split_at(1).1.units(), 0);
    }
}
