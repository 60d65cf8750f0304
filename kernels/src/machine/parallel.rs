//! Loops over slices for the checks and conversions of loading, on the threads of the rayon pool that the caller is in,
//! else on all threads of the process.
//!
//! What belongs here: the one place where a build without threads differs for them. What does not: operations of a
//! step, which share out work by a [`crate::Machine`].

#[cfg(feature = "threads")]
use rayon::prelude::*;

/// What is done with a piece of two slices.
type Work<'a, A, B, S> = dyn Fn(&mut S, usize, &mut [A], &[B]) + Send + Sync + 'a;

/// Calls `work(state, index, to, from)` for the pieces of two slices, the last of which may be shorter. A thread takes
/// `least` pieces or more, and has a state from `start`.
pub(crate) fn for_each_pair<A: Send, B: Sync, S>(
    (to, to_piece): (&mut [A], usize),
    (from, from_piece): (&[B], usize),
    least: usize,
    start: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize, &mut [A], &[B]) + Send + Sync,
) {
    // Rayon's loops are compiled once for the types of the slices, not for each work.
    let (start, work): (&(dyn Fn() -> S + Send + Sync), &Work<'_, A, B, S>) = (&start, &work);
    #[cfg(feature = "threads")]
    to.par_chunks_mut(to_piece)
        .zip(from.par_chunks(from_piece))
        .enumerate()
        .with_min_len(least)
        .for_each_init(start, |state, (index, (to, from))| work(state, index, to, from));
    #[cfg(not(feature = "threads"))]
    {
        let _ = least;
        let mut state = start();
        for (index, (to, from)) in to.chunks_mut(to_piece).zip(from.chunks(from_piece)).enumerate() {
            work(&mut state, index, to, from);
        }
    }
}

/// What `search` finds first, which is given pieces of `bytes` and their numbers.
pub(crate) fn find<T: Send>(
    bytes: &[u8],
    piece: usize,
    search: &(dyn Fn(usize, &[u8]) -> Option<T> + Send + Sync),
) -> Option<T> {
    #[cfg(feature = "threads")]
    return bytes.par_chunks(piece).enumerate().find_map_first(|(number, bytes)| search(number, bytes));
    #[cfg(not(feature = "threads"))]
    bytes.chunks(piece).enumerate().find_map(|(number, bytes)| search(number, bytes))
}

/// Threads that take part.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// The first item that `is` holds for.
pub(crate) fn position<T: Sync>(items: &[T], is: impl Fn(&T) -> bool + Send + Sync) -> Option<usize> {
    #[cfg(feature = "threads")]
    return items.par_iter().position_first(is);
    #[cfg(not(feature = "threads"))]
    items.iter().position(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_meet_in_order_and_the_last_may_be_shorter() {
        let from: Vec<u32> = (0..35).collect();
        let mut to = vec![0; 24];
        for_each_pair(
            (&mut to, 7),
            (&from, 10),
            2,
            || 0,
            |_, index, to, from| {
                to.fill(from.iter().sum::<u32>() + index as u32);
            },
        );
        assert_eq!((to[0], to[6], to[7], to[20], to[21], to[23]), (45, 45, 146, 247, 163, 163));
    }

    #[test]
    fn the_first_position_is_found() {
        let items: Vec<u32> = (0..5000).map(|i| i % 1000).collect();
        assert_eq!((position(&items, |&i| i == 999), position(&items, |&i| i == 1000)), (Some(999), None));
    }
}
