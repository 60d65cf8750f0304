//! How many workers are worth having: fewer while other programs take the cores that they run on.
//!
//! What belongs here: the decision, from times that it is given. What does not: the clock, and who enters a job
//! ([`super::Pool`]).
//!
//! A job ends when its last worker does. A worker that the system takes off its core in the middle of a job keeps all
//! others waiting for a time slice, some milliseconds, in which they would have done a hundred jobs. So the time that
//! the thread which starts jobs waits for their end is held against what the workers did meanwhile, and one worker less
//! is asked where that is not worth it. After a rest it is asked again, as other programs come and go.

use std::time::{Duration, Instant};

/// A wait that is no part of ending a job, as its last shares take some microseconds, but for a worker that has lost
/// its core.
const STALL: Duration = Duration::from_micros(200);

/// Time of jobs after which the workers are judged: some time slices.
const WINDOW: Duration = Duration::from_millis(12);

/// How long a worker rests when it was not worth its wait for the first time: so long that asking it again, for a
/// [`WINDOW`] in which it may be in the way, costs a few hundredths of the time.
const REST: Duration = Duration::from_millis(60);

/// The longest rest, after it was not worth its wait several times.
const LONGEST_REST: Duration = Duration::from_millis(480);

/// The part of the time that a worker saves, were nobody waited for, that may be lost by waiting. Not all of it:
/// threads that read memory together are slower each, so that one alone would take less than it seems.
const MOST_LOST: f64 = 0.8;

/// The number of workers that may enter jobs.
#[derive(Debug)]
pub(super) struct Pace {
    /// All workers.
    workers: usize,
    /// Those that may enter.
    limit: usize,
    /// When one more is asked.
    again: Option<Instant>,
    /// The next rest.
    rest: Duration,
    window: Window,
}

/// What was gathered since the workers were judged, in seconds.
#[derive(Debug, Default)]
struct Window {
    /// Work of the thread that starts jobs.
    worked: f64,
    /// Its waiting for workers that had lost their core.
    waited: f64,
    /// What its work would have been without workers.
    alone: f64,
}

impl Pace {
    pub(super) fn new(workers: usize) -> Self {
        Pace { workers, limit: workers, again: None, rest: REST, window: Window::default() }
    }

    /// Workers that may enter a job which starts `now`.
    pub(super) fn limit(&mut self, now: Instant) -> usize {
        if self.again.is_some_and(|again| now >= again) {
            self.limit += 1;
            self.again = None;
            self.window = Window::default();
        }
        self.limit
    }

    /// Takes the times of a job that ended `now`: in `worked` the thread that started it did `share` of the work, from
    /// 0 to 1, and then it waited for `waited`.
    pub(super) fn record(&mut self, now: Instant, worked: Duration, waited: Duration, share: f64) {
        if self.limit == 0 {
            return;
        }
        let Window { worked: all_worked, waited: all_waited, alone } = &mut self.window;
        *all_worked += worked.as_secs_f64();
        *all_waited += if waited >= STALL { waited.as_secs_f64() } else { 0.0 };
        *alone += worked.as_secs_f64() / if share > 0.0 { share } else { 1.0 };
        if *all_worked + *all_waited < WINDOW.as_secs_f64() {
            return;
        }
        let is_worth_it = core::mem::take(&mut self.window).is_worth_it(self.limit);
        if !is_worth_it {
            self.limit -= 1;
            self.again = Some(now + self.rest);
            self.rest = (2 * self.rest).min(LONGEST_REST);
        } else if self.limit < self.workers {
            self.again.get_or_insert(now + self.rest);
        } else {
            self.rest = REST;
        }
    }
}

impl Window {
    /// Whether the time was less than it would have been with one worker less of `workers`.
    fn is_worth_it(&self, workers: usize) -> bool {
        let Window { worked, waited, alone } = self;
        // How many times the work of this thread all did, and what one worker less would have.
        let all = alone / worked;
        let without_one = all - (all - 1.0) / workers as f64;
        *waited <= MOST_LOST * (alone / without_one - worked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs of 50 microseconds, of whose work this thread does its part beside as many workers as may enter. Every
    /// `stall`-th job with workers is waited for a time slice of 4 ms. The limits of `jobs` jobs, and the time of all.
    fn run(pace: &mut Pace, start: Instant, jobs: usize, stall: Option<usize>) -> (Vec<usize>, Duration) {
        let (mut now, mut limits) = (start, Vec::new());
        for job in 0..jobs {
            let limit = pace.limit(now);
            let worked = Duration::from_micros(50) / (limit as u32 + 1);
            let stalls = limit > 0 && stall.is_some_and(|stall| job % stall == 0);
            let waited = if stalls { Duration::from_millis(4) } else { Duration::from_micros(1) };
            now += worked + if limit > 0 { waited } else { Duration::ZERO };
            pace.record(now, worked, waited, 1.0 / (limit as f64 + 1.0));
            limits.push(limit);
        }
        (limits, now - start)
    }

    #[test]
    fn workers_that_are_not_waited_for_stay() {
        for workers in [1, 7, 63] {
            let (limits, _) = run(&mut Pace::new(workers), Instant::now(), 20_000, None);
            assert!(limits.iter().all(|&limit| limit == workers), "{workers} workers");
        }
    }

    /// A stall of 4 ms for each 20 jobs, which save half a millisecond: the worker rests nearly always.
    #[test]
    fn a_worker_that_stalls_rests_and_is_asked_again() {
        let mut pace = Pace::new(1);
        let (limits, time) = run(&mut pace, Instant::now(), 40_000, Some(20));
        let asked = limits.iter().filter(|&&limit| limit == 1).count();
        assert!(asked > 0 && asked < limits.len() / 20, "{asked} of {} jobs", limits.len());
        let alone = 40_000 * Duration::from_micros(50);
        assert!(time < alone * 11 / 10, "{time:?}, alone {alone:?}");
        // The other program ends: the worker is asked within the longest rest, and stays.
        let (limits, _) = run(&mut pace, Instant::now() + time, 40_000, None);
        let first = limits.iter().position(|&limit| limit == 1).expect("it is asked again");
        assert!(Duration::from_micros(50) * first as u32 <= LONGEST_REST, "after {first} jobs");
        assert!(limits[first..].iter().all(|&limit| limit == 1));
    }

    /// A stall of 4 ms for each 1,000 jobs, which save 25 ms.
    #[test]
    fn a_worker_that_stalls_seldom_stays() {
        let (limits, _) = run(&mut Pace::new(1), Instant::now(), 40_000, Some(1000));
        let asked = limits.iter().filter(|&&limit| limit == 1).count();
        assert!(asked > 38_000, "{asked} jobs");
    }

    /// Of eight threads one is enough to keep the others waiting: fewer are asked, not none.
    #[test]
    fn workers_rest_one_by_one() {
        let mut pace = Pace::new(7);
        let now = Instant::now();
        pace.record(now, Duration::from_millis(10), Duration::from_millis(3), 1.0 / 8.0);
        assert_eq!((pace.limit(now), pace.limit(now + 2 * REST)), (6, 7));
    }

    #[test]
    fn jobs_that_the_workers_did_alone_say_nothing_against_them() {
        let mut pace = Pace::new(1);
        let now = Instant::now();
        pace.record(now, Duration::ZERO, Duration::from_millis(1), 0.0);
        pace.record(now, Duration::from_millis(8), Duration::from_millis(4), 0.5);
        assert_eq!(pace.limit(now), 1);
    }
}
