//! A pool of threads that take part in one job at a time.
//!
//! What belongs here: starting a job, joining it, waiting for the next. What does not: how work is cut
//! ([`crate::Machine`]). `unsafe` occurs here because a job borrows from the stack of the thread that starts it.
//!
//! A decoded token is some two hundred products of ten to a hundred microseconds, so handing them over must take less
//! than a microsecond: workers wait by spinning, and sleep when no job comes for a while. No job waits for a worker
//! that has not arrived: the thread that starts a job works on it too, closes it when nothing is left to take, and
//! waits only for those inside.
//!
//! Threads that want the pool at the same time get it one after the other, each job with all workers that are worth it
//! ([`pace`]). A job inside a job is done by the thread that starts it: it would wait for its own end.

mod pace;
#[cfg(test)]
mod tests;
mod turns;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pace::Pace;
use turns::Turns;

/// How long a thread spins before it sleeps: longer than what lies between the products of a step, shorter than what
/// lies between steps that wait for something.
const SPIN: Duration = Duration::from_micros(100);

/// Bit of [`Shared::state`]: workers may enter the job.
const OPEN: u64 = 1 << 63;
/// Bit of [`Shared::state`]: workers end.
const STOP: u64 = 1 << 62;
/// The lowest bit of the number of the job in [`Shared::state`], which has the bits up to [`STOP`].
const JOB: u64 = 1 << 32;
/// The bits of [`Shared::state`] that count the workers inside the job.
const INSIDE: u64 = JOB - 1;

thread_local! {
    /// Whether this thread is in a job, of whichever pool: then it must not wait for a turn. As only threads outside of
    /// all jobs wait, no two wait for one another.
    static IN_JOB: Cell<bool> = const { Cell::new(false) };
}

/// Threads that wait for jobs; the thread that starts a job is one more.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Of the threads that start jobs.
    turns: Turns,
    /// Of the thread whose turn it is.
    pace: Mutex<Pace>,
}

/// What the threads of a pool share.
#[derive(Debug)]
struct Shared {
    /// [`OPEN`], [`STOP`], the number of the job and of the workers inside it.
    state: AtomicU64,
    /// The job, valid while `state` is open or counts a worker inside.
    job: AtomicPtr<Job<'static>>,
    /// Workers that may enter the job, stored before `state`.
    limit: AtomicUsize,
    /// Workers that sleep or are about to.
    sleeping: AtomicUsize,
    /// Held by workers from counting themselves as sleeping until they sleep.
    lock: Mutex<()>,
    wake: Condvar,
    spin: Duration,
}

/// One job, on the stack of the thread that started it.
struct Job<'a> {
    /// Is given the number of the thread.
    work: &'a (dyn Fn(usize) + Sync),
    /// What a worker panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Pool {
    /// Starts a pool of `threads` threads, of which the one that starts a job is one.
    ///
    /// # Errors
    /// What the system says where it does not start a thread.
    pub(crate) fn new(threads: usize) -> std::io::Result<Pool> {
        // Threads that share a core would spin in each other's way.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: AtomicPtr::default(),
            limit: AtomicUsize::new(0),
            sleeping: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            spin: if threads <= cores { SPIN } else { Duration::ZERO },
        });
        // Who spins for a turn needs a core that the job before does not.
        let turns = Turns::new(if threads < cores { SPIN } else { Duration::ZERO });
        let pace = Mutex::new(Pace::new(threads.saturating_sub(1)));
        let mut pool = Pool { shared, workers: Vec::new(), turns, pace };
        for number in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let worker = thread::Builder::new().name(format!("trine-{number}")).spawn(move || shared.serve(number))?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Number of threads, of which as many take part in a job as are worth it.
    pub(crate) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work` on this thread, and on each worker that is ready before this call is through. Returns when all
    /// calls have returned. `work` is given the number of the thread: 0 on this one, and that of a worker stays the
    /// same.
    ///
    /// Where other threads have jobs for the pool, this one waits until those that came before are done. Where this
    /// thread is in a job already, of this pool or another, it calls `work` alone.
    ///
    /// # Panics
    /// If a call of `work` panics, with its payload.
    #[cfg(test)]
    pub(crate) fn broadcast(&self, work: &(dyn Fn(usize) + Sync)) {
        let Some(_in_job) = InJob::enter() else { return work(0) };
        let _turn = self.turns.take();
        self.run(work, self.workers.len());
    }

    /// As [`Pool::broadcast`], with as many workers as are worth it, for work of `units` units, of which `least` are
    /// worth a thread. A worker that finds nothing to do costs the others time, as all enter and leave by one counter.
    /// `_in_job` is the proof that this thread is in no other job.
    ///
    /// # Panics
    /// If a call of `work` panics, with its payload.
    pub(crate) fn share_out(&self, _in_job: InJob, work: &(dyn Fn(usize) + Sync), units: usize, least: usize) {
        let _turn = self.turns.take();
        // Nothing panics while it holds the lock, and who takes it has the turn.
        let pace = || self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = pace().limit().min(units.div_ceil(least.max(1)).saturating_sub(1));
        let start = Instant::now();
        let worked = self.run(work, limit);
        let end = Instant::now();
        pace().record(end, end - start, end - worked, units);
    }

    /// Calls `work` on this thread and on up to `limit` workers. Returns when this thread was through. To be called by
    /// the thread whose turn it is only.
    fn run(&self, work: &(dyn Fn(usize) + Sync), limit: usize) -> Instant {
        if limit == 0 {
            work(0);
            return Instant::now();
        }
        let job = Job { work, panic: Mutex::new(None) };
        // Dropped before `job`, also where `work` panics.
        let open = self.shared.open(&job, limit, self.workers.len());
        work(0);
        let worked = Instant::now();
        drop(open);
        let panic = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        worked
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state.fetch_or(STOP, Ordering::SeqCst);
        self.shared.wake_sleepers();
        for worker in self.workers.drain(..) {
            // Workers catch the panics of jobs and have none of their own.
            let _ = worker.join();
        }
    }
}

/// The time that this thread is in a job that it started, or waits for its turn to.
pub(crate) struct InJob;

impl InJob {
    /// `None` where it is in one already: then it does alone what it starts.
    pub(crate) fn enter() -> Option<InJob> {
        // Only where it was not: dropping one says that it is not.
        (!IN_JOB.replace(true)).then(|| InJob)
    }
}

impl Drop for InJob {
    fn drop(&mut self) {
        IN_JOB.set(false);
    }
}

/// An open job. Dropping it closes the job and waits for the workers inside.
struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let Open(shared) = self;
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let left = || (shared.state.load(Ordering::Acquire) & INSIDE == 0).then_some(());
        while spin_until(shared.spin, left).is_none() {
            thread::yield_now();
        }
    }
}

impl Shared {
    /// Lets `limit` of the `workers` workers enter `job`, which must outlive the result. To be called by the thread
    /// whose turn it is only.
    fn open<'a>(&'a self, job: &'a Job<'_>, limit: usize, workers: usize) -> Open<'a> {
        self.job.store(std::ptr::from_ref(job).cast_mut().cast(), Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
        // Nobody else writes now: the last job was closed and left, and a pool in use is not dropped.
        let number = (self.state.load(Ordering::Relaxed) + JOB) & (STOP - 1);
        // Sequentially consistent with `sleeping`: either this thread sees that a worker sleeps, or the worker sees the
        // job. The store also publishes the pointer and the limit.
        self.state.store(number | OPEN, Ordering::SeqCst);
        // Who may not enter may sleep.
        if self.sleeping.load(Ordering::SeqCst) > workers - limit {
            self.wake_sleepers();
        }
        Open(self)
    }

    fn wake_sleepers(&self) {
        // With the lock held no worker is between looking at the state and sleeping.
        drop(self.lock());
        self.wake.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the worker with this number does.
    fn serve(&self, number: usize) {
        IN_JOB.set(true);
        let mut last = 0;
        loop {
            let state = self.wait(last);
            if state & STOP != 0 {
                return;
            }
            if self.state.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
                continue;
            }
            last = state & !INSIDE;
            // SAFETY: the exchange found the job open and counted this thread as inside. The thread that opened the job
            // stored the pointer before the state that the exchange acquired, and does not pass the end of `Open`,
            // which comes before the end of the job, until the count is back at 0, that is after `fetch_sub` below.
            // `Job` is shared as `&Job`: its fields are `Sync`.
            let job: &Job<'_> = unsafe { &*self.job.load(Ordering::Relaxed) };
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (job.work)(number))) {
                *job.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for the state of an open job other than `last`, or one with [`STOP`].
    fn wait(&self, last: u64) -> u64 {
        let ready = || {
            let state = self.state.load(Ordering::SeqCst);
            // A limit of another job than that of the state does not matter: the exchange that enters then fails.
            let has_room = ((state & INSIDE) as usize) < self.limit.load(Ordering::Relaxed);
            let other = state & OPEN != 0 && state & !INSIDE != last && has_room;
            (other || state & STOP != 0).then_some(state)
        };
        if let Some(state) = spin_until(self.spin, ready) {
            return state;
        }
        let mut guard = self.lock();
        self.sleeping.fetch_add(1, Ordering::SeqCst);
        let state = loop {
            match ready() {
                Some(state) => break state,
                None => guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner),
            }
        };
        self.sleeping.fetch_sub(1, Ordering::SeqCst);
        state
    }
}

/// Spins until `ready` has something, which is the result, or for the time `limit`.
fn spin_until<T>(limit: Duration, ready: impl Fn() -> Option<T>) -> Option<T> {
    let mut start = None;
    loop {
        for _ in 0..16 {
            if let found @ Some(_) = ready() {
                return found;
            }
            std::hint::spin_loop();
        }
        if start.get_or_insert_with(Instant::now).elapsed() >= limit {
            return None;
        }
    }
}
