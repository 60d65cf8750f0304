//! How many workers are worth having: fewer while other programs take the cores that they run on.
//!
//! What belongs here: the decision, from times that it is given. What does not: the clock, and who enters a job
//! ([`super::Pool`]).
//!
//! A job ends when its last worker does. A worker that the system takes off its core in the middle of a job keeps all
//! others waiting for a time slice, some milliseconds, in which they would have done a hundred jobs. On the other hand
//! a program with more threads gets more of the cores. Which is worth more depends on the other programs, so it is
//! tried: where much time is waited for such workers, one less is asked for a while, and the faster of both ways stays.
//! With fewer than all, one more is tried from time to time. Without such waits nothing is tried.

use std::time::{Duration, Instant};

/// A wait that is no part of ending a job, as its last shares take some microseconds, but for a worker that has lost
/// its core.
const STALL: Duration = Duration::from_micros(200);

/// Time of jobs after which a number of workers is judged: many time slices, and some tokens, whose jobs differ.
const WINDOW: Duration = Duration::from_millis(120);

/// The part of a window that is waited for workers, from which on it is tried whether fewer are faster.
const STALLS: f64 = 0.1;

/// How much faster fewer workers must be to stay fewer.
const FASTER: f64 = 1.03;

/// A change of speed that no number of workers makes: the jobs are others, as those of a prompt and of decoded tokens,
/// whose units cost more or less.
const OTHER_JOBS: f64 = 4.0;

/// The time between a trial that changed nothing and the next. It doubles up to the longest with each such trial, so
/// that these cost a few hundredths of the time.
const REST: Duration = Duration::from_millis(500);

/// The longest time between two trials.
const LONGEST_REST: Duration = Duration::from_millis(4000);

/// The number of workers that may enter jobs.
#[derive(Debug)]
pub(super) struct Pace {
    /// All workers.
    workers: usize,
    /// Those that may enter.
    limit: usize,
    /// The number before the trial that goes on, and its units of work in a second.
    before: Option<(usize, f64)>,
    /// No trial begins before.
    rested: Option<Instant>,
    rest: Duration,
    window: Window,
}

/// What was done since the last judgement.
#[derive(Debug, Default)]
struct Window {
    time: Duration,
    stalled: Duration,
    units: usize,
}

impl Pace {
    pub(super) fn new(workers: usize) -> Self {
        Pace { workers, limit: workers, before: None, rested: None, rest: REST, window: Window::default() }
    }

    /// Workers that may enter a job.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes a job of `units` units of work that ended `now`: it took `time`, of which the thread that started it
    /// waited for workers for `waited`.
    pub(super) fn record(&mut self, now: Instant, time: Duration, waited: Duration, units: usize) {
        self.window.time += time;
        self.window.stalled += if waited >= STALL { waited } else { Duration::ZERO };
        self.window.units += units;
        if self.window.time < WINDOW {
            return;
        }
        let Window { time, stalled, units } = core::mem::take(&mut self.window);
        let speed = units as f64 / time.as_secs_f64();
        let stalls = stalled.as_secs_f64() > STALLS * time.as_secs_f64();
        if let Some((limit, before)) = self.before.take() {
            // One worker more among many makes little difference: where nothing speaks against it, it stays.
            let stays = if self.limit > limit { !stalls || speed > before } else { speed > FASTER * before };
            if !(1.0 / OTHER_JOBS..OTHER_JOBS).contains(&(speed / before)) {
                self.limit = limit;
            } else if stays {
                self.rest = REST;
            } else {
                self.limit = limit;
                self.rest = (2 * self.rest).min(LONGEST_REST);
            }
            self.rested = Some(now + self.rest);
            return;
        }
        if self.rested.is_some_and(|rested| now < rested) {
            return;
        }
        let other = if stalls { self.limit.checked_sub(1) } else { Some(self.limit + 1) };
        if let Some(other) = other.filter(|&other| other <= self.workers) {
            self.before = Some((self.limit, speed));
            self.limit = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine beside other programs.
    struct Neighbours {
        /// Every so many jobs with workers one is waited for, for a time slice of 4 ms.
        stall: Option<usize>,
        /// How much longer a job without workers takes, as this thread loses its core too.
        alone: u32,
    }

    /// Jobs of 100 units, each of a microsecond of a thread, for `length`. The times with each number of workers, and
    /// the units of a second.
    fn run(pace: &mut Pace, start: Instant, length: Duration, neighbours: &Neighbours) -> (Vec<Duration>, f64) {
        let (mut now, mut times, mut jobs) = (start, vec![Duration::ZERO; 64], 0);
        while now < start + length {
            let limit = pace.limit();
            let work = Duration::from_micros(100) / (limit as u32 + 1) * if limit == 0 { neighbours.alone } else { 1 };
            let stalls = limit > 0 && neighbours.stall.is_some_and(|stall| jobs % stall == 0);
            let waited = if stalls { Duration::from_millis(4) } else { Duration::from_micros(1) };
            now += work + waited;
            times[limit] += work + waited;
            pace.record(now, work + waited, waited, 100);
            jobs += 1;
        }
        (times, 100.0 * jobs as f64 / (now - start).as_secs_f64())
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn nothing_is_tried_without_stalls() {
        for workers in [1, 7, 63] {
            let (times, _) = run(&mut Pace::new(workers), Instant::now(), LONG, &Neighbours { stall: None, alone: 1 });
            assert!(times[..workers].iter().all(Duration::is_zero), "{workers} workers");
        }
    }

    /// A stall of 4 ms for each 40 jobs, which would save 2 ms.
    #[test]
    fn a_worker_that_costs_more_than_it_saves_rests_and_comes_back() {
        let (mut pace, start) = (Pace::new(1), Instant::now());
        let (times, speed) = run(&mut pace, start, LONG, &Neighbours { stall: Some(40), alone: 1 });
        assert!(times[1] < LONG / 10, "{:?} with the worker", times[1]);
        assert!(speed > 0.95 / 1.01e-6, "{speed}");
        // The other programs end: the worker comes back within the longest rest.
        let (times, _) = run(&mut pace, start + LONG, LONG, &Neighbours { stall: None, alone: 1 });
        assert!(times[0] <= LONGEST_REST + 3 * WINDOW, "{:?} without the worker", times[0]);
    }

    /// The same stalls where this thread alone is twice as slow: the worker stays, and trials cost little.
    #[test]
    fn a_worker_that_stalls_stays_where_it_is_faster() {
        let neighbours = Neighbours { stall: Some(40), alone: 2 };
        let (times, _) = run(&mut Pace::new(1), Instant::now(), LONG, &neighbours);
        assert!(times[0] < LONG / 15, "{:?} without the worker", times[0]);
    }

    /// Of 64 threads one is enough to keep the others waiting: fewer are tried, one by one, and come back so.
    #[test]
    fn workers_rest_and_come_back_one_by_one() {
        let (mut pace, mut now) = (Pace::new(63), Instant::now());
        for rests in 1..=5 {
            now += REST;
            pace.record(now, WINDOW, WINDOW / 2, 100);
            assert_eq!(pace.limit(), 63 - rests);
            pace.record(now, WINDOW, WINDOW / 2, 110);
            assert_eq!(pace.limit(), 63 - rests);
        }
        // One more is tried and stalls: it rests again.
        now += REST;
        pace.record(now, WINDOW, Duration::ZERO, 110);
        assert_eq!(pace.limit(), 59);
        pace.record(now, WINDOW, WINDOW / 2, 100);
        assert_eq!(pace.limit(), 58);
        // The other programs end. One thread more is a sixtieth of the speed, and memory is as fast as before.
        for comes in 59..=63 {
            now += LONGEST_REST;
            pace.record(now, WINDOW, Duration::ZERO, 120);
            pace.record(now, WINDOW, Duration::ZERO, 120);
            assert_eq!(pace.limit(), comes);
        }
    }

    /// A trial begins in a prompt and ends in decoding, or the other way round.
    #[test]
    fn a_trial_over_other_jobs_changes_nothing() {
        for units in [10_000, 1] {
            let (mut pace, now) = (Pace::new(1), Instant::now());
            pace.record(now, WINDOW, WINDOW / 2, 100);
            assert_eq!(pace.limit(), 0);
            pace.record(now, WINDOW, Duration::ZERO, units);
            assert_eq!(pace.limit(), 1);
        }
    }
}
