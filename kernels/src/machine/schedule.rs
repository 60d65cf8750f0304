//! How work is dealt out among threads: smaller shares the less is left, so that all end at the same time.
//!
//! What belongs here: what can be divided, and who takes what. What does not: threads ([`crate::Machine`]).

use alloc::vec::Vec;

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
pub(crate) struct Schedule<W> {
    stretches: Vec<Option<W>>,
    /// The least units of a share.
    least: usize,
}

impl<W: Work> Schedule<W> {
    /// A stretch of `work` for each thread that finds `least` units, and no shares below that but the last of each.
    pub(crate) fn new(work: W, threads: usize, least: usize) -> Self {
        let (units, mut rest) = (work.units(), work);
        let threads = threads.min(units / least.max(1)).max(1);
        let mut stretches = Vec::with_capacity(threads);
        for thread in 1..threads {
            let (stretch, others) = rest.split_at(units * thread / threads - units * (thread - 1) / threads);
            stretches.push(Some(stretch));
            rest = others;
        }
        stretches.push(Some(rest));
        Schedule { stretches, least: least.max(1) }
    }

    /// A share for the thread with the number `own`; `None` where all is taken.
    pub(crate) fn next(&mut self, own: usize) -> Option<W> {
        let left = |stretch: &Option<W>| stretch.as_ref().map_or(0, W::units);
        let is_own = self.stretches.get(own).is_some_and(|stretch| left(stretch) > 0);
        let place =
            if is_own { &mut self.stretches[own] } else { self.stretches.iter_mut().max_by_key(|s| left(s))? };
        let stretch = place.take()?;
        let units = stretch.units();
        let share = (units / 2).max(self.least).min(units);
        let (taken, rest) = if is_own {
            stretch.split_at(share)
        } else {
            let (rest, taken) = stretch.split_at(units - share);
            (taken, rest)
        };
        *place = Some(rest);
        (share > 0).then_some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The indices of each share that the threads in `order` get, until nothing is left.
    fn shares(count: usize, threads: usize, least: usize, order: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
        let mut numbers: Vec<usize> = (0..count).collect();
        let mut shares = Schedule::new(Items { first: 0, items: &mut numbers }, threads, least);
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
