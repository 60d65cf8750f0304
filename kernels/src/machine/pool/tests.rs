//! Jobs are done whole, whoever takes part, and what goes wrong in them is reported.

use super::*;
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

/// Adds `1..=count` by a job in which every thread takes the next number until there is none.
fn sum(pool: &Pool, count: usize) -> usize {
    let (next, sum) = (AtomicUsize::new(1), AtomicUsize::new(0));
    pool.broadcast(&|_| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number > count {
                return;
            }
            sum.fetch_add(number, Ordering::Relaxed);
        }
    });
    sum.into_inner()
}

#[test]
fn jobs_are_done_whole() {
    for threads in [1, 2, 3, 9] {
        let pool = Pool::new(threads).unwrap();
        assert_eq!(pool.threads(), threads);
        for count in 0..2000 {
            assert_eq!(sum(&pool, count), count * (count + 1) / 2, "{threads} threads");
        }
    }
}

/// A job that ends only when as many threads are in it as the pool has; once for workers that spin, once for workers
/// that sleep.
#[test]
fn every_worker_takes_part() {
    let pool = Pool::new(4).unwrap();
    for pause in [Duration::ZERO, 50 * SPIN] {
        thread::sleep(pause);
        let arrived = AtomicUsize::new(0);
        pool.broadcast(&|_| {
            arrived.fetch_add(1, Ordering::Relaxed);
            while arrived.load(Ordering::Relaxed) < 4 {
                thread::yield_now();
            }
        });
        assert_eq!(arrived.into_inner(), 4);
    }
}

/// A thread has the same number in every job, and no two have one.
#[test]
fn threads_keep_their_numbers() {
    let pool = Pool::new(4).unwrap();
    let names = Mutex::new(vec![HashSet::new(); 4]);
    for _ in 0..20 {
        let arrived = AtomicUsize::new(0);
        pool.broadcast(&|number| {
            names.lock().unwrap()[number].insert(thread::current().id());
            arrived.fetch_add(1, Ordering::Relaxed);
            while arrived.load(Ordering::Relaxed) < 4 {
                thread::yield_now();
            }
        });
    }
    let names = names.into_inner().unwrap();
    assert!(names.iter().all(|ids| ids.len() == 1) && names[0].contains(&thread::current().id()), "{names:?}");
}

/// The thread that starts a job returns only when the workers have left it.
#[test]
fn no_worker_outlives_its_job() {
    let pool = Pool::new(3).unwrap();
    for _ in 0..50 {
        let inside = AtomicUsize::new(0);
        let entered = AtomicBool::new(false);
        let caller = thread::current().id();
        pool.broadcast(&|_| {
            if thread::current().id() == caller {
                while !entered.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
            } else {
                inside.fetch_add(1, Ordering::Relaxed);
                entered.store(true, Ordering::Relaxed);
                thread::sleep(Duration::from_micros(300));
                inside.fetch_sub(1, Ordering::Relaxed);
            }
        });
        assert_eq!(inside.load(Ordering::Relaxed), 0);
    }
}

/// Jobs that end only when all threads of the pool are in them, offered by several threads at once.
#[test]
fn jobs_of_several_threads_have_all_threads_each() {
    for threads in [2, 3] {
        let pool = Pool::new(threads).unwrap();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let inside = Mutex::new(HashSet::new());
                        pool.broadcast(&|_| {
                            inside.lock().unwrap().insert(thread::current().id());
                            while inside.lock().unwrap().len() < threads {
                                thread::yield_now();
                            }
                        });
                        let inside = inside.into_inner().unwrap();
                        assert!(inside.len() == threads && inside.contains(&thread::current().id()));
                    }
                });
            }
        });
    }
}

/// While a job waits, others come one by one; they are done in that order.
#[test]
fn turns_are_in_the_order_of_coming() {
    let pool = Pool::new(2).unwrap();
    let (all_came, order) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        scope.spawn(|| {
            pool.broadcast(&|_| {
                while !all_came.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
            });
        });
        for number in 0..4 {
            while pool.turns.wanted() <= number {
                thread::yield_now();
            }
            let (pool, order) = (&pool, &order);
            scope.spawn(move || {
                let caller = thread::current().id();
                pool.broadcast(&|_| {
                    if thread::current().id() == caller {
                        order.lock().unwrap().push(number);
                    }
                });
            });
        }
        while pool.turns.wanted() < 5 {
            thread::yield_now();
        }
        all_came.store(true, Ordering::Relaxed);
    });
    assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3]);
}

/// Jobs that all threads of a job start in it, of its pool and of one whose jobs start jobs in the first pool.
#[test]
fn jobs_in_jobs_are_done_by_who_starts_them() {
    let (pool, other) = (Pool::new(3).unwrap(), Pool::new(2).unwrap());
    let arrived = AtomicUsize::new(0);
    pool.broadcast(&|_| {
        arrived.fetch_add(1, Ordering::Relaxed);
        while arrived.load(Ordering::Relaxed) < 3 {
            thread::yield_now();
        }
        for nested in [&pool, &other] {
            let (own, calls) = (thread::current().id(), AtomicUsize::new(0));
            nested.broadcast(&|_| {
                assert_eq!(thread::current().id(), own);
                assert_eq!(sum(&pool, 10) + sum(&other, 10), 110);
                calls.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(calls.into_inner(), 1);
        }
    });
    // Outside of jobs again.
    let inside = AtomicUsize::new(0);
    other.broadcast(&|_| {
        inside.fetch_add(1, Ordering::Relaxed);
        while inside.load(Ordering::Relaxed) < 2 {
            thread::yield_now();
        }
    });
}

/// A panic of the caller, and one of a worker, reach the caller with their payload; the pool serves on, with all
/// threads and whoever has the next turn.
#[test]
fn panics_reach_the_caller() {
    let pool = Pool::new(2).unwrap();
    let caller = thread::current().id();
    for of_caller in [true, false] {
        let entered = AtomicUsize::new(0);
        let job = |_| {
            entered.fetch_add(1, Ordering::Relaxed);
            while entered.load(Ordering::Relaxed) < 2 {
                thread::yield_now();
            }
            if (thread::current().id() == caller) == of_caller {
                resume_unwind(Box::new("stop"));
            }
        };
        let payload = catch_unwind(AssertUnwindSafe(|| pool.broadcast(&job))).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"stop"));
        assert_eq!(sum(&pool, 100), 5050);
        assert_eq!(thread::scope(|scope| scope.spawn(|| sum(&pool, 100)).join().unwrap()), 5050);
        assert!(!IN_JOB.get() && pool.turns.wanted() == 0);
    }
}
