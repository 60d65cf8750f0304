//! A scheduler as a program uses it: that what one request gets depends on nothing but the request, that no page is
//! lost, and who gets what when. Only public items are used.

mod admission;
mod basics;
mod determinism;
mod experts;
mod hybrid;
mod pages;
mod wanted;

use crate::api::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

fn stories() -> (Gguf, Tokenizer) {
    let stories = trine::embedded_model().expect("a model");
    let tokenizer = Tokenizer::from_gguf(&stories, &TokenizerOptions::default()).expect("a tokenizer");
    (stories, tokenizer)
}

/// A model of random weights with the vocabulary of the embedded one, whose texts may have several pages.
fn tiny() -> Gguf {
    let dims = Dims {
        vocab: stories().1.len(),
        hidden: 256,
        ffn: 384,
        kv_heads: 1,
        group: 2,
        head_dim: 128,
        attention_layers: 2,
        recurrent: Recurrent::NONE,
        experts: ExpertCounts::NONE,
    };
    with_vocabulary(&Synthetic::with_dims(dims, 2048))
}

/// The same of a model of which every fourth block has attention and the others the delta rule.
fn hybrid() -> Gguf {
    let mut synthetic = Synthetic { table: TensorType::F16, ..Synthetic::tiny_hybrid() };
    let recurrent = Recurrent { layers: 3, key_heads: 1, value_heads: 2, key_dim: 64, value_dim: 64, taps: 4 };
    synthetic.config.dims = Dims {
        vocab: stories().1.len(),
        hidden: 256,
        ffn: 384,
        kv_heads: 1,
        group: 2,
        head_dim: 128,
        attention_layers: 1,
        recurrent,
        experts: ExpertCounts::NONE,
    };
    synthetic.config.context = 2048;
    with_vocabulary(&synthetic)
}

/// The file of a model that is made up, with the vocabulary of the embedded one.
fn with_vocabulary(synthetic: &Synthetic) -> Gguf {
    let (stories, _) = stories();
    let file = synthetic.gguf().expect("a model");
    let mut writer = GgufWriter::new();
    let of_tokenizer = |key: &str| key.starts_with("tokenizer.");
    let entries = file.metadata().iter().filter(|(key, _)| !of_tokenizer(key));
    for (key, value) in entries.chain(stories.metadata().iter().filter(|(key, _)| of_tokenizer(key))) {
        writer.set(key, value.clone()).expect("a new key");
    }
    for tensor in file.tensors() {
        let dims = tensor.ne.row_major();
        writer.tensor(&tensor.name, &dims, tensor.kind, file.bytes(tensor)).expect("a tensor");
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).expect("memory");
    Gguf::from_bytes("tiny", bytes.into()).expect("a file")
}

/// [`tiny`] with so many threads, and memory for so many pages.
fn engine(threads: usize, pages: usize) -> Engine {
    engine_on(Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).expect("threads"), pages)
}

fn engine_on(cpu: Cpu, pages: usize) -> Engine {
    engine_of(&tiny(), 2, cpu, pages)
}

/// [`hybrid`] with memory for so many pages.
fn hybrid_engine(threads: usize, pages: usize) -> Engine {
    let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).expect("threads");
    engine_of(&hybrid(), 1, cpu, pages)
}

fn engine_of(file: &Gguf, attention_layers: usize, cpu: Cpu, pages: usize) -> Engine {
    // Keys and values of 256 positions of one head of 128 in each layer.
    let cache_bytes = pages * 256 * 2 * 128 * attention_layers * size_of::<f32>();
    let options = EngineOptions {
        cpu: Some(cpu),
        context: NonZeroUsize::new(1280),
        cache_bytes: Some(cache_bytes),
        cache: CacheType::F32,
        shortlist: true,
        ..EngineOptions::default()
    };
    Engine::of_source(file, options).unwrap_or_else(|error| panic!("{error}"))
}

fn free_pages(engine: &Engine) -> usize {
    struct Free;
    impl Visit for Free {
        type Out = usize;
        fn visit<M: Model>(self, opened: &Opened<M>) -> usize {
            opened.pool().free_pages()
        }
    }
    engine.visit(Free)
}

/// Every page is somewhere, and nowhere else.
fn check_pages(scheduler: &Scheduler) {
    let pages = scheduler.status().pages;
    assert_eq!(pages.free, free_pages(scheduler.engine()));
    assert_eq!((pages.active + pages.cached + pages.free, pages.elsewhere), (pages.total, 0), "{pages:?}");
}

/// A clock that goes on whenever somebody looks at it, by nanoseconds that look random.
struct TickingClock {
    most: u64,
    now: std::sync::Mutex<(u64, u64)>,
}

impl TickingClock {
    fn new(most: u64) -> Self {
        TickingClock { most, now: std::sync::Mutex::new((0, 1)) }
    }
}

impl Clock for TickingClock {
    fn now(&self) -> Duration {
        let mut now = self.now.lock().expect("no panic");
        now.1 = now.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        now.0 += (now.1 >> 33) % (self.most + 1);
        Duration::from_nanos(now.0)
    }
}

/// All that a request told.
#[derive(Debug, Default, Clone, PartialEq)]
struct Told {
    tokens: Vec<u32>,
    text: String,
    /// Bits of the log-probabilities of generated tokens and of the prompt's: of the chosen one and of the best.
    logprobs: Vec<(u32, u64)>,
    prompt_logprobs: Vec<(u32, u64)>,
    end: String,
}

fn bits(logprobs: &Logprobs) -> impl Iterator<Item = (u32, u64)> {
    let all: Vec<_> =
        [&logprobs.chosen].into_iter().chain(&logprobs.best).map(|t| (t.id, t.logprob.to_bits())).collect();
    all.into_iter()
}

/// What requests have told so far, and their usage where they have ended.
#[derive(Debug, Default)]
struct Heard {
    told: BTreeMap<RequestId, Told>,
    usage: BTreeMap<RequestId, Usage>,
    /// In the order in which they began.
    admitted: Vec<RequestId>,
}

impl Heard {
    fn hear(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            let told = self.told.entry(event.request).or_default();
            assert!(!self.usage.contains_key(&event.request), "nothing follows the end");
            match event.kind {
                EventKind::Admitted { .. } => self.admitted.push(event.request),
                EventKind::Prompt { logprobs, done, of } => {
                    assert!(done <= of);
                    told.prompt_logprobs.extend(logprobs.iter().flat_map(bits));
                }
                EventKind::Token { token, text, logprobs } => {
                    told.tokens.extend(token);
                    told.text += &text;
                    told.logprobs.extend(logprobs.iter().flat_map(bits));
                }
                EventKind::Done { end, usage } => {
                    told.end = format!("{end:?}");
                    self.usage.insert(event.request, usage);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Steps until there is nothing to do.
    fn finish(&mut self, scheduler: &mut Scheduler) {
        let mut events = Vec::new();
        let mut steps = 0;
        while !scheduler.is_idle() {
            scheduler.step(&mut events);
            self.hear(&mut events);
            steps += 1;
            assert!(steps < 100_000, "it ends");
        }
    }
}

fn scheduler(engine: &Engine, options: SchedulerOptions) -> (Scheduler, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    (Scheduler::new(engine.clone(), options, clock.clone()), clock)
}

/// Ids that look random, the same for a seed.
fn ids(seed: u64, count: usize) -> Vec<u32> {
    let number = |i: u64| (seed << 32 | (i + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (0..count as u64).map(|i| 3 + (number(i) % 900) as u32).collect()
}

/// A greedy continuation of some ids, which no token ends.
fn request(engine: &Engine, ids: &[u32], max_tokens: usize) -> GenerationRequest {
    let mut request = GenerationRequest::new(engine.prompt_of_ids(ids).expect("ids"), SamplerChain::greedy());
    request.options.stop_at_end_of_text = false;
    request.max_tokens = Some(max_tokens);
    request
}
