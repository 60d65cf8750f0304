//! Threads for what is done with whole files: loops over rows and tensors, and those of the kernels that check and
//! repack matrices.
//!
//! What belongs here: the one place where a build without threads differs. What does not: the forward pass, whose
//! operations share out work themselves.

#[cfg(feature = "threads")]
use rayon::prelude::*;
use trine_ops::Cpu;

/// As many threads as a [`Cpu`] has. Loops that start inside of [`Threads::run`] have these, others all of the process.
pub(crate) struct Threads {
    /// `None` where the system gives no more threads.
    #[cfg(feature = "threads")]
    pool: Option<rayon::ThreadPool>,
}

impl Threads {
    #[cfg(feature = "threads")]
    pub(crate) fn of(cpu: &Cpu) -> Threads {
        let name = |index| format!("trine-load-{index}");
        Threads { pool: rayon::ThreadPoolBuilder::new().num_threads(cpu.threads()).thread_name(name).build().ok() }
    }

    #[cfg(not(feature = "threads"))]
    pub(crate) fn of(_: &Cpu) -> Threads {
        Threads {}
    }

    /// Runs `work` on these threads.
    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "threads")]
        if let Some(pool) = &self.pool {
            return pool.install(work);
        }
        work()
    }
}

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

#[cfg(all(test, feature = "threads"))]
mod tests {
    use super::*;
    use trine_kernels::CpuOptions;

    #[test]
    fn loops_have_the_threads_of_the_cpu() {
        for count in [1, 3] {
            let options = CpuOptions { threads: std::num::NonZeroUsize::new(count), ..CpuOptions::default() };
            let threads = Threads::of(&Cpu::new(options).unwrap());
            let names = threads.run(|| map(64, || (), |(), _| std::thread::current().name().map(str::to_owned)));
            assert_eq!(threads.run(rayon::current_num_threads), count);
            assert!(names.iter().flatten().all(|name| name.starts_with("trine-load-")), "{names:?}");
        }
    }
}
