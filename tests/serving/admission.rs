//! Who is taken, who begins when, and who ends.

use super::*;

fn keyed(engine: &Engine, key: &str, ids: &[u32], max_tokens: usize) -> GenerationRequest {
    GenerationRequest { key: key.to_owned(), ..request(engine, ids, max_tokens) }
}

fn refusal(scheduler: &mut Scheduler, request: GenerationRequest) -> String {
    let refused = scheduler.submit(request).expect_err("it is refused");
    format!("{refused} [{:?}]", refused.retry_after())
}

#[test]
fn what_can_never_run_is_refused() {
    let engine = engine(1, 5);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let message = "the context has 1280 positions, and 1200 tokens of the prompt with 81 generated ones do not fit: \
                   shorten the prompt, or ask for fewer tokens [None]";
    assert_eq!(refusal(&mut scheduler, request(&engine, &[5; 1200], 81)), message);
    let open = GenerationRequest { max_tokens: None, ..request(&engine, &[5; 1281], 0) };
    assert!(refusal(&mut scheduler, open).starts_with("the context has 1280 positions, and 1281 tokens"));
    let empty = refusal(&mut scheduler, request(&engine, &[], 3));
    assert_eq!(empty, "the prompt has no token: expected at least one [None]");
    let strange = super::engine(1, 5);
    assert!(refusal(&mut scheduler, request(&strange, &[5], 3)).contains("expected"));
    assert_eq!((scheduler.is_idle(), scheduler.status().counters.refused), (true, 4));
    assert!(scheduler.submit(request(&engine, &[5; 1200], 80)).is_ok());
}

#[test]
fn the_queue_has_an_end() {
    let engine = engine(1, 10);
    let options = SchedulerOptions {
        max_sequences: NonZeroUsize::new(1).expect("one"),
        max_queue: 2,
        queue_per_key: Some(2),
        ..SchedulerOptions::default()
    };
    let (mut scheduler, _) = scheduler(&engine, options);
    scheduler.submit(keyed(&engine, "a", &[5, 6], 4)).expect("a seat");
    scheduler.step(&mut Vec::new());
    scheduler.submit(keyed(&engine, "a", &[5, 7], 4)).expect("a place");
    let two = vec![keyed(&engine, "a", &[5, 8], 4), keyed(&engine, "a", &[5, 9], 4)];
    let refused = scheduler.submit_all(two).expect_err("one place for two");
    assert_eq!(refused.to_string(), "1 requests wait, which is the limit: ask again in 1 s");
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
    scheduler.submit(keyed(&engine, "a", &[5, 8], 4)).expect("a place");
    assert!(matches!(scheduler.submit(keyed(&engine, "b", &[5], 4)), Err(Refused::QueueFull { queued: 2, .. })));
    let status = scheduler.status();
    assert_eq!((status.running, status.queued, status.keys, status.counters.refused), (1, 2, 1, 3));
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    assert_eq!((heard.usage.len(), scheduler.status().keys), (3, 0));
}

#[test]
fn a_key_has_a_limit_of_its_own() {
    let engine = engine(1, 20);
    let options = SchedulerOptions {
        sequences_per_key: NonZeroUsize::new(2),
        queue_per_key: Some(3),
        ..SchedulerOptions::default()
    };
    let (mut scheduler, _) = scheduler(&engine, options);
    for last in 0..3 {
        scheduler.submit(keyed(&engine, "a", &[5, last], 9)).expect("a place");
    }
    let refused = scheduler.submit(keyed(&engine, "a", &[5], 9)).expect_err("too many of a key");
    assert_eq!(refused.to_string(), "3 requests of this key wait, which is the limit: ask again in 1 s");
    scheduler.submit(keyed(&engine, "b", &[5, 9], 9)).expect("another key");
    scheduler.step(&mut Vec::new());
    let status = scheduler.status();
    assert_eq!((status.running, status.queued, status.keys), (3, 1, 2));
}

/// Where steps take a second each, a second request behind a long one is not taken.
#[test]
fn who_would_wait_too_long_is_refused() {
    let engine = engine(1, 10);
    let options = SchedulerOptions { max_sequences: NonZeroUsize::new(1).expect("one"), ..SchedulerOptions::default() };
    let clock = Arc::new(TickingClock::new(2_000_000_000));
    let mut scheduler = Scheduler::new(engine.clone(), options, clock);
    let first = scheduler.submit(request(&engine, &[5, 6], 200)).expect("nothing is known of the machine");
    for _ in 0..20 {
        scheduler.step(&mut Vec::new());
    }
    let wait = scheduler.status().predicted_wait;
    assert!((60..400).contains(&wait.as_secs()), "{wait:?}");
    let refused = scheduler.submit(request(&engine, &[5, 7], 5)).expect_err("too long");
    assert!(refused.to_string().ends_with("and the limit is 30.0 s: ask again in 60 s"), "{refused}");
    // With a seat of its own it does not wait.
    scheduler.cancel(first);
    assert_eq!(scheduler.status().predicted_wait, Duration::ZERO);
    assert!(scheduler.submit(request(&engine, &[5, 7], 5)).is_ok());
}

#[test]
fn a_large_request_is_waited_for() {
    let engine = engine(1, 5);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let small = |seed: u64| request(&engine, &ids(seed, 20), 30);
    let mut heard = Heard::default();
    let running = [1, 2].map(|seed| scheduler.submit(small(seed)).expect("a request"));
    scheduler.step(&mut Vec::new());
    let large = scheduler.submit(request(&engine, &ids(3, 1000), 200)).expect("a request");
    let later = [4, 5].map(|seed| scheduler.submit(small(seed)).expect("a request"));
    heard.finish(&mut scheduler);
    assert_eq!(heard.admitted, [&[large][..], &later].concat(), "{running:?} began before");
    assert_eq!(heard.usage.len(), 5);
}

#[test]
fn keys_take_turns() {
    let engine = engine(1, 40);
    let options = SchedulerOptions { max_sequences: NonZeroUsize::new(2).expect("two"), ..SchedulerOptions::default() };
    let (mut scheduler, _) = scheduler(&engine, options);
    let mut submit = |key: &str, seed: u64, max_tokens: usize| {
        scheduler.submit(keyed(&engine, key, &ids(seed, 10), max_tokens)).expect("a request")
    };
    let many: Vec<RequestId> = (0..8).map(|seed| submit("many", seed, 10)).collect();
    let few = [submit("few", 20, 10), submit("few", 21, 10)];
    let large = [submit("large", 30, 30), submit("large", 31, 30)];
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    let at = |id: &RequestId| heard.admitted.iter().position(|other| other == id).expect("it began");
    // Each of three keys has one of the first three, and who asked for more work at once waits longer for the next.
    assert_eq!([at(&many[0]), at(&few[0]), at(&large[0])], [0, 1, 2]);
    assert!(at(&few[1]) < at(&many[2]), "{:?}", heard.admitted);
    assert!(at(&large[1]) > at(&many[2]) && at(&large[1]) < at(&many[7]), "{:?}", heard.admitted);
    assert!(many.windows(2).all(|pair| at(&pair[0]) < at(&pair[1])), "first come, first served within a key");
}

#[test]
fn smaller_numbers_go_first_and_nobody_waits_for_ever() {
    let engine = engine(1, 40);
    let options = |policy| SchedulerOptions {
        max_sequences: NonZeroUsize::new(1).expect("one"),
        policy,
        ..SchedulerOptions::default()
    };
    let order = |policy: Policy, patience: u64| {
        let (mut scheduler, clock) = scheduler(&engine, options(policy));
        let mut submit = |seed: u64, priority: i32| {
            let request = GenerationRequest { priority, ..keyed(&engine, "", &ids(seed, 10), 4) };
            scheduler.submit(request).expect("a request")
        };
        let mut ids = vec![submit(1, 2)];
        clock.advance(Duration::from_secs(patience));
        ids.extend([submit(2, 1), submit(3, -3), submit(4, 1)]);
        let mut heard = Heard::default();
        heard.finish(&mut scheduler);
        heard.admitted.iter().map(|id| ids.iter().position(|other| other == id).expect("one of them")).collect()
    };
    let of = |policy, patience| -> Vec<usize> { order(policy, patience) };
    assert_eq!(of(Policy::Arrival, 0), [0, 1, 2, 3]);
    assert_eq!(of(Policy::Priority, 0), [2, 1, 3, 0]);
    // After a minute it is as urgent as the second one, and came before; after six it is the most urgent one.
    assert_eq!(of(Policy::Priority, 60), [2, 0, 1, 3]);
    assert_eq!(of(Policy::Priority, 360), [0, 2, 1, 3]);
}

#[test]
fn a_deadline_ends_what_waits_and_what_runs() {
    let engine = engine(1, 20);
    let options = SchedulerOptions { max_sequences: NonZeroUsize::new(2).expect("two"), ..SchedulerOptions::default() };
    let (mut scheduler, clock) = scheduler(&engine, options);
    let until = |seconds, seed| GenerationRequest {
        deadline: Some(Duration::from_secs(seconds)),
        ..request(&engine, &ids(seed, 10), 100)
    };
    let runs = scheduler.submit(until(2, 1)).expect("a request");
    let stays = scheduler.submit(until(9, 2)).expect("a request");
    let waits = scheduler.submit(until(1, 3)).expect("a request");
    let (mut heard, mut events) = (Heard::default(), Vec::new());
    let mut ended = |scheduler: &mut Scheduler| {
        for _ in 0..3 {
            scheduler.step(&mut events);
        }
        heard.hear(&mut events);
        check_pages(scheduler);
        heard.usage.keys().copied().collect::<Vec<_>>()
    };
    assert_eq!(ended(&mut scheduler), []);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ended(&mut scheduler), [waits]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ended(&mut scheduler), [runs, waits]);
    heard.finish(&mut scheduler);
    let told = |id| (&*heard.told[&id].end, heard.usage[&id].generated_tokens);
    assert_eq!([told(runs), told(waits), told(stays)], [("Expired", 6), ("Expired", 0), ("Finished(MaxTokens)", 100)]);
    assert_eq!((heard.usage[&runs].total, heard.usage[&waits].first_token), (Duration::from_secs(2), None));
    assert_eq!(scheduler.status().counters.expired, 2);
}

#[test]
fn draining_ends_what_waits_and_lets_run_what_runs() {
    let engine = engine(1, 20);
    let options = SchedulerOptions { max_sequences: NonZeroUsize::new(1).expect("one"), ..SchedulerOptions::default() };
    let (mut scheduler, _) = scheduler(&engine, options);
    let requests = [1, 2].map(|seed| scheduler.submit(request(&engine, &ids(seed, 10), 20)).expect("a request"));
    let mut heard = Heard::default();
    let mut events = Vec::new();
    scheduler.step(&mut events);
    scheduler.drain();
    heard.hear(&mut events);
    assert_eq!(
        refusal(&mut scheduler, request(&engine, &[5], 3)).split(':').next(),
        Some("no more requests are taken, as the program is about to end")
    );
    heard.finish(&mut scheduler);
    let ends = requests.map(|id| heard.told[&id].end.clone());
    assert_eq!(ends, ["Finished(MaxTokens)", "Draining"]);
}

/// A filter that cannot go on.
struct Faulty {
    panics: bool,
}

impl LogitsFilter for Faulty {
    fn apply(&mut self, _: &mut Candidates, recent: &[u32]) -> Result<(), SamplerError> {
        match recent.len() {
            ..13 => Ok(()),
            _ if self.panics => panic!("a bug of the program's own"),
            _ => Err(SamplerError::Filter { message: "the grammar has no way on".to_owned() }),
        }
    }
}

#[test]
fn a_faulty_filter_harms_its_request_alone() {
    let engine = engine(1, 20);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let sound = scheduler.submit(request(&engine, &ids(1, 10), 20)).expect("a request");
    let faulty = [true, false].map(|panics| {
        let mut sampler = SamplerChain::greedy();
        sampler.push(Faulty { panics });
        let request = GenerationRequest { sampler: Box::new(sampler), ..request(&engine, &ids(2, 10), 20) };
        scheduler.submit(request).expect("a request")
    });
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    assert_eq!((heard.usage[&sound].generated_tokens, scheduler.status().counters.failed), (20, 2));
    let [panicked, refused] = faulty.map(|id| heard.told[&id].end.clone());
    assert!(panicked.contains("a bug of the program's own"), "{panicked}");
    assert!(refused.contains("the grammar has no way on"), "{refused}");
    assert_eq!(faulty.map(|id| heard.usage[&id].generated_tokens), [3, 3]);
    check_pages(&scheduler);
}
