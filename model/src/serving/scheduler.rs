//! Many generations of one engine, step by step. What belongs here: the order of a step, and what it does to running
//! requests. What does not: which requests begin (`admission.rs`), how much fits a step (`pace.rs`, `plan.rs`), and
//! what stays in memory (`prefixes.rs`).

use super::clock::Clock;
use super::event::{End, Event, EventKind, RequestError};
use super::options::SchedulerOptions;
use super::pace::Pace;
use super::plan::{Prompting, chunks};
use super::prefixes::Prefixes;
use super::request::{GenerationRequest, Refused, RequestId};
use super::running::{Job, Outcome, Running, rest};
use super::shares::Shares;
use super::status::{Counters, PageCounts, Status, StepReport};
use crate::engine::{Engine, EngineError, Memory, Part};
use crate::generation::Finish;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use trine_kernels::PAGE;

/// How much of the mean the next request is, for what requests use of the tokens that they ask for.
const USED_WEIGHT: f64 = 0.05;

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
        let elsewhere = (total - free).saturating_sub(kept + own);
        PageCounts { total, active: own + shared, cached: kept - shared, free, elsewhere, bytes }
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

    /// Takes a page for each sequence that has filled its own, or ends it where there is none.
    fn grow(&mut self) {
        let full = |running: &Running| (running.memory.len() == running.reserved).then_some(running.job.id);
        for request in self.running.iter().filter_map(full).collect::<Vec<_>>() {
            let Some(at) = self.running.iter().position(|running| running.job.id == request) else { continue };
            let mut running = self.running.remove(at);
            let got = self.reserve(&mut running.memory, PAGE);
            running.reserved += if got { PAGE } else { 0 };
            self.running.insert(at, running);
            if !got {
                self.end(request, End::Finished(Finish::ContextFull));
            }
        }
    }

    /// How many tokens each running sequence brings to the next step.
    fn plan(&self) -> Vec<usize> {
        let mut counts: Vec<usize> = self.running.iter().map(|running| usize::from(!running.is_prompting())).collect();
        let decoding = counts.iter().sum();
        let prompting = self.running.iter().enumerate().filter(|(_, running)| running.is_prompting());
        let prompting = prompting.map(|(index, running)| Prompting {
            index,
            done: running.memory.len(),
            of: running.job.prompt().len(),
            got: self.computed.of(&running.job.key),
        });
        let chunk = self.pace.chunk(decoding, self.options.step_target, self.options.max_chunk.get());
        for (index, count) in chunks(prompting.collect(), chunk) {
            counts[index] = count;
        }
        counts
    }

    /// Runs the model once: so many tokens of each running sequence.
    fn run(&mut self, counts: &[usize]) -> StepReport {
        let started = self.clock.now();
        let (mut parts, mut jobs, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        let mut report = StepReport::default();
        for (running, &count) in self.running.iter_mut().zip(counts).filter(|(_, count)| **count > 0) {
            let (ids, wanted, done) = (running.next(count), running.wanted(count), running.memory.len());
            match running.is_prompting() {
                true => report.prompt_tokens += count,
                false => report.decoding += count,
            }
            report.logits += wanted.len();
            parts.push(Part { memory: &mut running.memory, ids, wanted });
            jobs.push((&mut running.job, done));
            outcomes.push(Outcome::default());
        }
        report.rows = report.prompt_tokens + report.decoding;
        let taken = self.engine.step_parts(parts, &mut |part, token, logits| {
            let (job, done) = &mut jobs[part];
            outcomes[part].take(job, *done + token, &logits);
        });
        let now = self.clock.now();
        report.time = now.saturating_sub(started);
        let ids: Vec<RequestId> = jobs.iter().map(|(job, _)| job.id).collect();
        match taken {
            Ok(()) => {
                self.pace.observe(report.rows, report.time);
                self.counters.steps += 1;
                self.counters.prompt_tokens += report.prompt_tokens as u64;
                for (request, outcome) in ids.into_iter().zip(outcomes) {
                    self.after(request, outcome, now);
                }
            }
            Err(error) => self.fail(&ids, error),
        }
        report
    }

    /// Ends all sequences of a step that the model could not take.
    fn fail(&mut self, ids: &[RequestId], error: EngineError) {
        let error = Arc::new(error);
        for request in ids {
            self.end(*request, End::Failed(RequestError::Step(error.clone())));
        }
    }

    /// What a step means for one of its sequences.
    fn after(&mut self, request: RequestId, outcome: Outcome, now: Duration) {
        let Some(at) = self.running.iter().position(|running| running.job.id == request) else { return };
        let running = &mut self.running[at];
        let (done, of) = (running.memory.len(), running.job.prompt().len());
        let before = std::mem::replace(&mut running.before, done);
        self.computed.charge(&running.job.key, done - before);
        let Outcome { prompt: logprobs, token, end } = outcome;
        let mut told = Vec::new();
        if before < of {
            told.push(EventKind::Prompt { done: done.min(of), of, logprobs });
        }
        if let Some(kind) = token {
            let usage = &mut running.job.usage;
            if let EventKind::Token { token: Some(_), .. } = kind {
                self.counters.generated_tokens += 1;
                usage.generated_tokens += 1;
            }
            usage.first_token.get_or_insert(now.saturating_sub(running.job.submitted));
            told.push(kind);
        }
        told.into_iter().for_each(|kind| self.tell(request, kind));
        self.share(at);
        if let Some(end) = end {
            self.end(request, end);
        }
    }

    /// Puts the last page of a sequence into the tree where it is complete. Where the tree has it, as another sequence
    /// computed the same, the sequence goes on with that page, so that there is one of it.
    fn share(&mut self, at: usize) {
        let running = &mut self.running[at];
        let len = running.memory.len();
        if len % PAGE != 0 {
            return;
        }
        let ids = &running.job.generation.tokens()[len - PAGE..len];
        let known = self.prefixes.child(running.node, ids);
        let kept = known.or_else(|| self.prefixes.keep(running.node, ids, running.memory.beginning(len)));
        let Some(node) = kept else { return };
        self.prefixes.pin(node);
        self.prefixes.unpin(std::mem::replace(&mut running.node, node));
        if let Some(page) = known.and_then(|known| self.prefixes.page(known)) {
            let mut running = self.running.remove(at);
            running.memory = page;
            // As many pages as it gave back.
            if !self.reserve(&mut running.memory, running.reserved - len) {
                running.reserved = len;
            }
            self.running.insert(at, running);
        }
    }

    /// Ends a request, wherever it is; says whether it was there.
    fn end(&mut self, request: RequestId, end: End) -> bool {
        if let Some(at) = self.queue.iter().position(|job| job.id == request) {
            if let Some(job) = self.queue.remove(at) {
                self.counters.cancelled_queued += u64::from(matches!(end, End::Cancelled));
                self.done(job, end);
            }
            return true;
        }
        let Some(at) = self.running.iter().position(|running| running.job.id == request) else { return false };
        let Running { mut job, mut memory, node, .. } = self.running.remove(at);
        self.counters.cancelled_running += u64::from(matches!(end, End::Cancelled));
        // What it has computed of its last page may be of use again.
        let len = memory.len();
        memory.give_back_reserved();
        if len % PAGE != 0 {
            let tail = &job.generation.tokens()[len / PAGE * PAGE..len];
            self.prefixes.keep(node, tail, memory);
        }
        self.prefixes.unpin(node);
        let (wanted, generated) = (job.wanted(), job.generated());
        self.admitted.refund(&job.key, wanted.saturating_sub(generated));
        let end = match end {
            End::Finished(finish) => {
                self.used += USED_WEIGHT * (generated as f64 / wanted.max(1) as f64 - self.used);
                let (text, finish) = rest(&mut job, finish);
                text.into_iter().for_each(|kind| self.tell(request, kind));
                End::Finished(finish)
            }
            End::Expired => {
                let (text, _) = rest(&mut job, Finish::MaxTokens);
                text.into_iter().for_each(|kind| self.tell(request, kind));
                End::Expired
            }
            end => end,
        };
        self.done(job, end);
        true
    }

    /// Tells the end of a request that is neither in the queue nor running any more.
    fn done(&mut self, job: Job, end: End) {
        match end {
            End::Finished(_) => self.counters.finished += 1,
            End::Expired => self.counters.expired += 1,
            End::Failed(_) => self.counters.failed += 1,
            End::Cancelled | End::Draining => {}
        }
        let Job { id, key, mut usage, submitted, .. } = job;
        usage.total = self.clock.now().saturating_sub(submitted);
        let mut others = self.queue.iter().chain(self.running.iter().map(|running| &running.job));
        if !others.any(|other| other.key == key) {
            self.admitted.leave(&key);
            self.computed.leave(&key);
        }
        self.tell(id, EventKind::Done { end, usage });
    }
}
