//! Many generations of one engine: what a program calls, and the order of a step. What does not belong here: which
//! requests begin (`admission.rs`), what a step does with them (`step.rs`), and how they end (`ending.rs`).

use super::clock::Clock;
use super::event::{End, Event, EventKind};
use super::options::SchedulerOptions;
use super::pace::Pace;
use super::prefixes::Prefixes;
use super::request::{GenerationRequest, Refused, RequestId};
use super::running::{Job, Running};
use super::shares::Shares;
use super::status::{Counters, PageCounts, Status, StepReport};
use crate::engine::{Engine, Memory};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use trine_kernels::PAGE;

/// Drives many generations of one [`Engine`]: in each [`step`](Scheduler::step) all of them go on together, and parts
/// of prompts go through the model beside them. It has no thread: whoever owns it submits, steps, and reads events.
///
/// ```no_run
/// use std::sync::Arc;
/// use trine_model::{Engine, EngineOptions, GenerationRequest, SamplerChain, SamplerOptions};
/// use trine_model::{EventKind, Scheduler, SchedulerOptions, SystemClock};
///
/// let engine = Engine::open("model.gguf", EngineOptions::default())?;
/// let mut scheduler = Scheduler::new(engine.clone(), SchedulerOptions::default(), Arc::new(SystemClock::default()));
/// for (seed, text) in [(1, "Once upon a time"), (2, "The fox")] {
///     let sampler = SamplerChain::new(SamplerOptions { seed, ..SamplerOptions::default() })?;
///     scheduler.submit(GenerationRequest::new(engine.prompt(text)?, sampler))?;
/// }
/// let mut events = Vec::new();
/// while !scheduler.is_idle() {
///     scheduler.step(&mut events);
///     for event in events.drain(..) {
///         if let EventKind::Token { text, .. } = event.kind {
///             println!("{}: {text}", event.request);
///         }
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Scheduler {
    pub(super) engine: Engine,
    pub(super) options: SchedulerOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue: VecDeque<Job>,
    /// In the order in which they were admitted.
    pub(super) running: Vec<Running>,
    pub(super) prefixes: Prefixes<Memory>,
    /// What keys were admitted for: tokens of prompts and tokens to generate.
    pub(super) admitted: Shares,
    /// Tokens that were computed for keys.
    pub(super) computed: Shares,
    pub(super) pace: Pace,
    /// What requests use of the tokens that they ask for: a mean.
    pub(super) used: f64,
    /// Whether a request waits for pages.
    pub(super) blocked: bool,
    pub(super) draining: bool,
    pub(super) submitted: u64,
    pub(super) counters: Counters,
    /// What was not told yet.
    events: Vec<Event>,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("engine", self.engine.id())
            .field("running", &self.running.len())
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}

impl Scheduler {
    /// A scheduler without requests. It takes pages of the engine as it needs them, and keeps those that may be of use
    /// again; other sequences of the engine get what is left.
    pub fn new(engine: Engine, options: SchedulerOptions, clock: Arc<dyn Clock>) -> Scheduler {
        Scheduler {
            engine,
            options,
            clock,
            queue: VecDeque::new(),
            running: Vec::new(),
            prefixes: Prefixes::new(),
            admitted: Shares::default(),
            computed: Shares::default(),
            pace: Pace::default(),
            used: 1.0,
            blocked: false,
            draining: false,
            submitted: 0,
            counters: Counters::default(),
            events: Vec::new(),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The clock, by which deadlines are.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Takes a request. It begins in one of the next steps.
    ///
    /// # Errors
    /// [`Refused`] where it can never run, would wait too long, or no more requests are taken.
    pub fn submit(&mut self, request: GenerationRequest) -> Result<RequestId, Refused> {
        Ok(self.submit_all(vec![request])?.remove(0))
    }

    /// Takes some requests, or none of them: the choices of one prompt, which is computed once.
    ///
    /// # Errors
    /// As [`submit`](Scheduler::submit).
    pub fn submit_all(&mut self, requests: Vec<GenerationRequest>) -> Result<Vec<RequestId>, Refused> {
        let count = requests.len() as u64;
        self.take(requests).inspect_err(|_| self.counters.refused += count)
    }

    /// Ends a request: it is not part of the next step, and its last event is among those of that step. Says whether it
    /// was there.
    pub fn cancel(&mut self, request: RequestId) -> bool {
        self.end(request, End::Cancelled)
    }

    /// Takes no more requests, and ends those that wait. Running ones go on.
    pub fn drain(&mut self) {
        self.draining = true;
        while let Some(job) = self.queue.pop_front() {
            self.done(job, End::Draining);
        }
    }

    /// Whether there is nothing to do and nothing to tell: [`step`](Scheduler::step) would change nothing.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_empty() && self.events.is_empty()
    }

    /// Takes one step: ends what is past its deadline, lets waiting requests begin, and runs the model once for a token
    /// of each generation and for parts of prompts. What happened is put behind `events`.
    pub fn step(&mut self, events: &mut Vec<Event>) -> StepReport {
        let now = self.clock.now();
        let expired = |job: &Job| job.deadline.is_some_and(|deadline| deadline <= now).then_some(job.id);
        let jobs = self.queue.iter().chain(self.running.iter().map(|running| &running.job));
        for request in jobs.filter_map(expired).collect::<Vec<_>>() {
            self.end(request, End::Expired);
        }
        self.admit(now);
        self.grow();
        let counts = self.plan();
        let report = if counts.iter().all(|&count| count == 0) { StepReport::default() } else { self.run(&counts) };
        events.append(&mut self.events);
        report
    }

    /// The numbers for metrics.
    pub fn status(&self) -> Status {
        Status {
            running: self.running.len(),
            prompting: self.running.iter().filter(|running| running.is_prompting()).count(),
            queued: self.queue.len(),
            keys: self.admitted.len(),
            pages: self.pages(),
            predicted_wait: self.predicted_wait(),
            step_target: self.options.step_target,
            draining: self.draining,
            counters: self.counters,
            steps: self.pace.classes(),
        }
    }

    fn pages(&self) -> PageCounts {
        let (total, free, bytes) = self.engine.pages();
        let (kept, shared) = self.prefixes.pages();
        let own = |running: &Running| running.reserved / PAGE - self.prefixes.depth(running.node);
        let own: usize = self.running.iter().map(own).sum();
        // What the delta rule remembers counts as pages too.
        let state = self.engine.pages_per_state();
        let (own, states) = (own + state * self.running.len(), state * self.prefixes.whole_pages(0));
        let elsewhere = (total - free).saturating_sub(kept + own + states);
        PageCounts { total, active: own + shared, cached: kept - shared + states, free, elsewhere, bytes }
    }

    /// Tells what happened to a request.
    pub(super) fn tell(&mut self, request: RequestId, kind: EventKind) {
        self.events.push(Event { request, kind });
    }

    /// Takes pages for `tokens` positions behind those of `memory`, if need be those of what was kept.
    pub(super) fn reserve(&mut self, memory: &mut Memory, tokens: usize) -> bool {
        while memory.reserve(tokens).is_err() {
            if !self.prefixes.evict() {
                return false;
            }
            self.counters.prefix_evictions += 1;
        }
        true
    }
}
