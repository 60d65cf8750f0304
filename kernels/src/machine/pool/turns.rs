//! Turns of threads that want a pool at the same time, in the order in which they came.
//!
//! What belongs here: who is next, and waiting for it. What does not: what is done in a turn ([`super::Pool`]).
//!
//! A lock would not do: the thread that gives it back is the first to want it again, and would have it for as long as
//! it has jobs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::spin_until;

/// A queue in which each turn has a number.
#[derive(Debug)]
pub(super) struct Turns {
    /// The number of the next to come.
    next: AtomicU64,
    /// The number of the one whose turn it is.
    now: AtomicU64,
    /// Held from looking at `now` until sleeping.
    lock: Mutex<()>,
    changed: Condvar,
    /// How long a thread spins for its turn before it sleeps.
    spin: Duration,
}

/// A turn, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    number: u64,
}

impl Turns {
    pub(super) fn new(spin: Duration) -> Self {
        let start = || AtomicU64::new(0);
        Turns { next: start(), now: start(), lock: Mutex::new(()), changed: Condvar::new(), spin }
    }

    /// Waits until all that came before are through.
    pub(super) fn take(&self) -> Turn<'_> {
        // Sequentially consistent with the end of the turn before: either it sees that this thread has come, or this
        // thread sees that it ended.
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let turn = Turn { turns: self, number };
        let ready = || (self.now.load(Ordering::SeqCst) == number).then_some(());
        if ready().is_some() || !self.spin.is_zero() && spin_until(self.spin, ready).is_some() {
            return turn;
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while ready().is_none() {
            guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        turn
    }

    /// Number of threads that have come and whose turn has not ended.
    #[cfg(test)]
    pub(super) fn wanted(&self) -> u64 {
        self.next.load(Ordering::SeqCst) - self.now.load(Ordering::SeqCst)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Turns { next, now, lock, changed, .. } = self.turns;
        now.store(self.number + 1, Ordering::SeqCst);
        if next.load(Ordering::SeqCst) > self.number + 1 {
            // With the lock held nobody is between looking at `now` and sleeping.
            drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
            changed.notify_all();
        }
    }
}
