//! Loops over rows and tensors on all threads of the process, for what is done with whole files.
//!
//! What belongs here: the one place where a build without threads differs. What does not: the forward pass, whose
//! operations share out work themselves.

#[cfg(feature = "threads")]
use rayon::prelude::*;

/// The results of `work(state, index)` for the indices below `count`, in their order. Each thread has a state from
/// `start`.
pub(crate) fn map<S, R: Send>(
    count: usize,
    start: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize) -> R + Send + Sync,
) -> Vec<R> {
    #[cfg(feature = "threads")]
    return (0..count).into_par_iter().map_init(start, work).collect();
    #[cfg(not(feature = "threads"))]
    {
        let mut state = start();
        (0..count).map(|index| work(&mut state, index)).collect()
    }
}

/// Calls `work(state, index, piece)` for each piece of `length` items. Each thread has a state from `start`.
pub(crate) fn for_each_piece<T: Send, S>(
    items: &mut [T],
    length: usize,
    start: impl Fn() -> S + Send + Sync,
    work: impl Fn(&mut S, usize, &mut [T]) + Send + Sync,
) {
    #[cfg(feature = "threads")]
    items.par_chunks_mut(length).enumerate().for_each_init(start, |state, (index, piece)| work(state, index, piece));
    #[cfg(not(feature = "threads"))]
    {
        let mut state = start();
        items.chunks_mut(length).enumerate().for_each(|(index, piece)| work(&mut state, index, piece));
    }
}
