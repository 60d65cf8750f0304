//! What a request gets is a function of the request: not of who else asks, what is in memory, how many threads there
//! are, how long steps may take, or who goes away.

use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A filter with a state: which tokens it allows depends on how many were chosen.
struct Turns {
    chosen: u32,
}

impl LogitsFilter for Turns {
    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        candidates.retain(|candidate| !(candidate.id + self.chosen).is_multiple_of(3));
        Ok(())
    }

    fn accept(&mut self, _id: u32) {
        self.chosen += 1;
    }
}

/// All that makes a request, so that it can be asked again.
#[derive(Clone, Debug)]
pub(super) struct Case {
    ids: Vec<u32>,
    max_tokens: usize,
    sampler: SamplerOptions,
    filter: bool,
    options: GenerateOptions,
    prompt_logprobs: Option<usize>,
}

impl Case {
    fn random(random: &mut ChaCha8Rng, engine: &Engine) -> Case {
        let of = |range: std::ops::Range<usize>, random: &mut ChaCha8Rng| random.random_range(range);
        // Texts that begin like others, up to anywhere, often at the end of a page or beside it.
        let shared = ids(of(1..3, random) as u64, 700);
        let len = match of(0..4, random) {
            0 => 0,
            1 => [255, 256, 257, 512][of(0..4, random)],
            _ => of(1..700, random),
        };
        let own = ids(of(100..1 << 20, random) as u64, of(1..[4, 40, 300][of(0..3, random)], random));
        let prompt: Vec<u32> = shared[..len].iter().chain(&own).copied().collect();
        let greedy = of(0..4, random) == 0;
        let sampler = SamplerOptions {
            temperature: if greedy { 0.0 } else { 1.3 },
            top_k: [0, 5, 40][of(0..3, random)],
            top_p: [1.0, 0.9][of(0..2, random)],
            min_p: [0.0, 0.02][of(0..2, random)],
            repetition_penalty: [1.0, 1.2, 0.9][of(0..3, random)],
            frequency_penalty: [0.0, 0.4][of(0..2, random)],
            presence_penalty: [0.0, -0.2][of(0..2, random)],
            logit_bias: if of(0..3, random) == 0 { vec![(7, 2.5), (11, f32::NEG_INFINITY)] } else { Vec::new() },
            seed: of(0..1000, random) as u64,
            ..SamplerOptions::default()
        };
        let letter = ["e", "th", "s a", "zebra"][of(0..4, random)].to_owned();
        let options = GenerateOptions {
            stop_strings: if of(0..3, random) == 0 { vec![letter] } else { Vec::new() },
            stop_ids: if of(0..4, random) == 0 { (0..1000).map(|i| i * 3).collect() } else { Vec::new() },
            logprobs: [None, Some(0), Some(3)][of(0..3, random)],
            stop_at_end_of_text: of(0..2, random) == 0,
            ..GenerateOptions::default()
        };
        assert!(prompt.len() + 40 <= engine.context());
        Case {
            ids: prompt,
            max_tokens: of(0..40, random),
            sampler,
            filter: of(0..4, random) == 0,
            options,
            prompt_logprobs: [None, None, None, Some(2)][of(0..4, random)],
        }
    }

    fn request(&self, engine: &Engine) -> GenerationRequest {
        let mut sampler = SamplerChain::new(self.sampler.clone()).expect("sound options");
        if self.filter {
            sampler.push_first(Turns { chosen: 0 });
        }
        GenerationRequest {
            options: self.options.clone(),
            max_tokens: Some(self.max_tokens),
            prompt_logprobs: self.prompt_logprobs,
            ..GenerationRequest::new(engine.prompt_of_ids(&self.ids).expect("ids"), sampler)
        }
    }
}

/// How a run differs from others.
pub(super) struct Run {
    pub(super) streams: usize,
    pub(super) target: Duration,
    /// Most nanoseconds that pass whenever somebody looks at the clock.
    pub(super) tick: u64,
    /// Whether other requests come and are cancelled.
    pub(super) neighbours: bool,
    pub(super) seed: u64,
}

/// Asks for all cases in a random order, a few between any two steps, and says what each was told.
pub(super) fn run(engine: &Engine, cases: &[Case], run: &Run) -> Vec<Told> {
    let mut random = ChaCha8Rng::seed_from_u64(run.seed);
    let options = SchedulerOptions {
        max_sequences: NonZeroUsize::new(run.streams).expect("a stream"),
        step_target: run.target,
        max_wait: Duration::MAX,
        max_queue: usize::MAX / 2,
        ..SchedulerOptions::default()
    };
    let clock = Arc::new(TickingClock::new(run.tick));
    let mut scheduler = Scheduler::new(engine.clone(), options, clock);
    let (mut heard, mut events) = (Heard::default(), Vec::new());
    let mut order: Vec<usize> = (0..cases.len()).collect();
    (1..order.len()).for_each(|at| order.swap(at, random.random_range(0..=at)));
    let (mut requests, mut neighbours) = (vec![None; cases.len()], Vec::new());
    while !scheduler.is_idle() || !order.is_empty() {
        for _ in 0..random.random_range(0..3) {
            if let Some(case) = order.pop() {
                let request = GenerationRequest {
                    key: format!("key {}", random.random_range(0..3)),
                    ..cases[case].request(engine)
                };
                requests[case] = Some(scheduler.submit(request).unwrap_or_else(|error| panic!("{error}")));
            }
        }
        if run.neighbours && !order.is_empty() && random.random_range(0..3) == 0 {
            let neighbour = cases[random.random_range(0..cases.len())].request(engine);
            neighbours.push(scheduler.submit(neighbour).unwrap_or_else(|error| panic!("{error}")));
        }
        if !neighbours.is_empty() && (order.is_empty() || random.random_range(0..3) == 0) {
            scheduler.cancel(neighbours.swap_remove(random.random_range(0..neighbours.len())));
        }
        scheduler.step(&mut events);
        heard.hear(&mut events);
        check_pages(&scheduler);
    }
    requests.into_iter().map(|request| heard.told.remove(&request.expect("it was submitted")).expect("told")).collect()
}

pub(super) fn assert_same(what: &str, cases: &[Case], found: &[Told], expected: &[Told]) {
    for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{what}: case {number} {:?}", cases[number]);
    }
}

/// Each alone, on a scheduler that has computed nothing before.
pub(super) fn alone(engine: &Engine, cases: &[Case]) -> Vec<Told> {
    let one = Run { streams: 1, target: Duration::from_millis(100), tick: 0, neighbours: false, seed: 0 };
    cases.iter().flat_map(|case| run(engine, std::slice::from_ref(case), &one)).collect()
}

pub(super) fn cases(engine: &Engine, seed: u64, count: usize) -> Vec<Case> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| Case::random(&mut random, engine)).collect()
}

#[test]
fn what_a_request_gets_depends_on_nothing_else() {
    let engine = engine(2, 60);
    let cases = cases(&engine, 5, 40);
    let expected = alone(&engine, &cases);
    let ends = |end: &str| expected.iter().filter(|told| told.end.starts_with(end)).count();
    let kinds = ["Finished(MaxTokens", "Finished(StopString", "Finished(Token"].map(ends);
    assert!(kinds.iter().all(|&count| count > 1) && kinds.iter().sum::<usize>() == cases.len(), "{kinds:?}");
    // One after the other on one scheduler, twice, so that what went before is known.
    let mut twice = cases.clone();
    twice.extend_from_slice(&cases);
    let warm = Run { streams: 1, target: Duration::from_millis(100), tick: 0, neighbours: false, seed: 1 };
    let again = run(&engine, &twice, &warm);
    assert_same("warm", &twice, &again[..cases.len()], &expected);
    assert_same("warm again", &cases, &again[cases.len()..], &expected);
    for (seed, streams, target, tick) in
        [(2, 2, 1, 1_000_000), (3, 3, 20, 3_000_000), (4, 5, 100, 9_000_000), (5, 8, 20, 30_000_000), (6, 16, 60, 0)]
    {
        let order = Run { streams, target: Duration::from_millis(target), tick, neighbours: seed % 2 == 0, seed };
        let what = format!("{streams} streams, {target} ms");
        assert_same(&what, &cases, &run(&engine, &cases, &order), &expected);
    }
}

/// Little memory, so that sequences wait for pages and what is known is thrown away.
#[test]
fn neither_threads_nor_levels_nor_little_memory_change_anything() {
    let cases = cases(&engine(1, 5), 6, 14);
    let expected = alone(&engine(1, 5), &cases);
    let order = Run { streams: 6, target: Duration::from_millis(20), tick: 5_000_000, neighbours: true, seed: 3 };
    for threads in [1, 3] {
        let engine = engine(threads, 10);
        assert_same(&format!("{threads} threads"), &cases, &run(&engine, &cases, &order), &expected);
    }
    for isa in Isa::available() {
        let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(2), isa: Some(isa) }).expect("a level");
        let engine = engine_on(cpu, 20);
        assert_same(&format!("{isa:?}"), &cases, &run(&engine, &cases, &order), &expected);
    }
}

/// Against the model alone: each prefix of the prompt is a sequence of its own.
#[test]
fn log_probabilities_are_those_of_the_model() {
    let engine = engine(2, 20);
    let prompt = ids(9, 270);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let mut request = request(&engine, &prompt, 2);
    (request.prompt_logprobs, request.options.logprobs) = (Some(1), Some(2));
    let id = scheduler.submit(request).expect("a request");
    let mut heard = Heard::default();
    heard.finish(&mut scheduler);
    let told = &heard.told[&id];
    let all: Vec<u32> = prompt.iter().chain(&told.tokens).copied().collect();
    let (mut sequence, mut of_prompt, mut of_tokens) = (engine.sequence(), Vec::new(), Vec::new());
    for (at, next) in all.iter().enumerate().skip(1) {
        let fed = engine.prompt_of_ids(&all[at - 1..at]).expect("ids");
        let logits = sequence.feed(&fed, LogitsRequest::All, &mut || ControlFlow::Continue(())).expect("a step");
        let best = if at < prompt.len() { 1 } else { 2 };
        let logprobs = Logprobs::new(&logits.expect("not interrupted"), *next, best).expect("all logits");
        if at < prompt.len() { &mut of_prompt } else { &mut of_tokens }.extend(bits(&logprobs));
    }
    assert_eq!((told.prompt_logprobs.len(), told.logprobs.len()), (2 * 269, 3 * 2));
    assert_eq!((&told.prompt_logprobs, &told.logprobs), (&of_prompt, &of_tokens));
}
