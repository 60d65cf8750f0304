//! Which requests are taken, and which of the waiting ones begins. What does not belong here: what running ones do
//! (`scheduler.rs`).

use super::event::EventKind;
use super::options::Policy;
use super::prefixes::common;
use super::request::{GenerationRequest, Refused, RequestId};
use super::running::{Job, Running};
use super::scheduler::Scheduler;
use super::scores::Scores;
use super::wait::Load;
use crate::generation::{GenerateOptions, Generation};
use std::time::Duration;
use trine_kernels::PAGE;

/// A request waits for another one to compute a beginning that both have if it has at least so many tokens.
const WORTH_WAITING: usize = 64;

/// Tokens of a page that are worth a copy of it.
const WORTH_COPYING: usize = 8;

/// Pages for so many positions, and the positions that they have room for.
pub(super) fn pages_for(positions: usize) -> usize {
    positions.div_ceil(PAGE)
}

impl Scheduler {
    /// Pages of a sequence of so many positions, with those that its states of the delta rule count as.
    fn pages_of(&self, positions: usize) -> usize {
        pages_for(positions) + self.engine.pages_per_state()
    }

    /// Takes some requests, or none of them.
    pub(super) fn take(&mut self, requests: Vec<GenerationRequest>) -> Result<Vec<RequestId>, Refused> {
        if self.draining {
            return Err(Refused::Draining);
        }
        let now = self.clock.now();
        let jobs = requests.into_iter().map(|request| self.job(request, now)).collect::<Result<Vec<_>, _>>()?;
        self.check_queue(&jobs)?;
        let ids = jobs.iter().map(|job| job.id).collect();
        for mut job in jobs {
            job.uncached = job.prompt().len() - self.known(&job);
            self.admitted.enter(&job.key);
            self.computed.enter(&job.key);
            self.queue.push_back(job);
            self.counters.submitted += 1;
        }
        Ok(ids)
    }

    fn job(&mut self, request: GenerationRequest, now: Duration) -> Result<Job, Refused> {
        let GenerationRequest { prompt, sampler, options, max_tokens, prompt_logprobs, .. } = request;
        self.engine.id().check(prompt.engine())?;
        let (context, length) = (self.engine.context(), prompt.ids().len());
        if length == 0 {
            return Err(Refused::EmptyPrompt);
        }
        if length.saturating_add(max_tokens.unwrap_or(0)) > context {
            let max_tokens = max_tokens.unwrap_or(0);
            return Err(Refused::ContextLength { context, prompt: length, max_tokens });
        }
        // The last token is not fed.
        let reserve = max_tokens.unwrap_or(self.options.reserve.max(1));
        let positions = (length + reserve.saturating_sub(1)).min(context);
        let (needed, (pages, ..)) = (self.pages_of(positions), self.engine.pages());
        if needed > pages {
            return Err(Refused::TooLarge { needed, pages });
        }
        let options = GenerateOptions {
            max_tokens: max_tokens.unwrap_or(usize::MAX),
            answers: options.answers || prompt.is_answered(),
            ..options
        };
        let tokenizer = self.engine.tokenizer().clone();
        let generation = Generation::new(prompt.ids(), tokenizer, sampler, options).with_context(context);
        self.submitted += 1;
        Ok(Job {
            id: RequestId(self.submitted),
            generation,
            scores: prompt_logprobs.map(Scores::new),
            key: request.key,
            priority: request.priority,
            salt: request.cache_salt,
            deadline: request.deadline,
            submitted: now,
            positions,
            uncached: length,
            usage: super::Usage { prompt_tokens: length, ..Default::default() },
        })
    }

    /// Refuses what would wait too long.
    fn check_queue(&self, jobs: &[Job]) -> Result<(), Refused> {
        let (wait, limit) = (self.predicted_wait(), self.options.max_wait);
        let retry_after = Duration::from_secs(wait.as_secs_f64().ceil().clamp(1.0, 60.0) as u64);
        let queued = self.queue.len();
        let free = self.options.max_sequences.get().saturating_sub(self.running.len());
        if queued + jobs.len() > self.options.max_queue.saturating_add(free) {
            return Err(Refused::QueueFull { queued, retry_after });
        }
        for job in jobs {
            let of_key = |other: &&Job| other.key == job.key;
            let queued = self.queue.iter().filter(of_key).count();
            let more = jobs.iter().filter(of_key).count();
            if self.options.queue_per_key.is_some_and(|limit| queued + more > limit) {
                return Err(Refused::KeyLimit { queued, retry_after });
            }
        }
        if wait > limit {
            return Err(Refused::Busy { predicted: wait, limit, retry_after });
        }
        Ok(())
    }

    /// How long a small request would wait; zero before the first step.
    pub(super) fn predicted_wait(&self) -> Duration {
        let seats = if self.blocked { self.running.len() } else { self.options.max_sequences.get() };
        let decoding = self.running.iter().filter(|running| !running.is_prompting()).count();
        let (Some(step), Some(prompt_rate)) =
            (self.pace.expected(seats), self.pace.prompt_rate(decoding, self.options.limits()))
        else {
            return Duration::ZERO;
        };
        let steps = |wanted: usize| (wanted as f64 * self.used).ceil() as usize;
        let left = |running: &Running| steps(running.job.wanted() - running.job.generated().min(running.job.wanted()));
        let prompts =
            self.running.iter().map(|running| running.job.prompt().len().saturating_sub(running.memory.len()));
        let load = Load {
            seats,
            running: self.running.iter().map(left).collect(),
            queued: self.queue.iter().map(|job| steps(job.wanted())).collect(),
            prompt_tokens: prompts.chain(self.queue.iter().map(|job| job.uncached)).sum(),
            prompt_rate,
            step,
        };
        load.wait()
    }

    /// Tokens of a request that are known, or will be when it begins.
    fn known(&mut self, job: &Job) -> usize {
        let ids = job.shareable();
        let found = self.prefixes.find(&job.salt, ids, job.best());
        self.prefixes.unpin(found.node);
        let others = self.queue.iter().chain(self.running.iter().map(|running| &running.job));
        others
            .filter(|other| job.is_served_by(other))
            .map(|other| common(other.prompt(), ids))
            .max()
            .unwrap_or(0)
            .max(found.len)
    }

    /// Lets waiting requests begin, as long as there are seats and pages for them. One that there are no pages for is
    /// waited for, so that small requests do not keep large ones out.
    pub(super) fn admit(&mut self, now: Duration) {
        self.blocked = false;
        while self.running.len() < self.options.max_sequences.get()
            && let Some(at) = self.pick(now)
            && let Some(job) = self.queue.remove(at)
        {
            if let Err(job) = self.seat(job, now) {
                self.queue.insert(at, *job);
                self.blocked = true;
                return;
            }
        }
    }

    /// The next request: among those of the smallest level, of the key that has got least, the first one that need not
    /// wait.
    fn pick(&self, now: Duration) -> Option<usize> {
        let mut best = None;
        for (at, job) in self.queue.iter().enumerate() {
            let rank = (self.level(job, now), self.admitted.of(&job.key));
            if best.is_none_or(|(least, _)| rank < least) && !self.is_held_back(job) {
                best = Some((rank, at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// The priority of a request, one less for each minute that it has waited.
    fn level(&self, job: &Job, now: Duration) -> i64 {
        let waited = now.saturating_sub(job.submitted).as_secs() / 60;
        match self.options.policy {
            Policy::Arrival => 0,
            Policy::Priority => i64::from(job.priority).saturating_sub_unsigned(waited),
        }
    }

    /// Whether a request waits although there may be a seat: its key has as many as it may have, or a running sequence
    /// is computing a beginning of its prompt. Where that sequence ends before, the next one that has the beginning
    /// computes it.
    fn is_held_back(&self, job: &Job) -> bool {
        let limit = self.options.sequences_per_key.map_or(usize::MAX, |limit| limit.get());
        let ids = job.shareable();
        let computes = |running: &Running| {
            let shared = || common(running.job.prompt(), ids);
            let worth = |shared: usize| {
                shared > running.memory.len() && shared >= running.job.usage.cached_tokens + WORTH_WAITING
            };
            running.is_prompting() && job.is_served_by(&running.job) && worth(shared())
        };
        self.running.iter().filter(|running| running.job.key == job.key).count() >= limit
            || self.running.iter().any(computes)
    }

    /// Gives a request its memory, with what is known of its beginning; gives the request back where there is none.
    fn seat(&mut self, mut job: Job, now: Duration) -> Result<(), Box<Job>> {
        let (ids, best) = (job.shareable(), job.best());
        let found = self.prefixes.find(&job.salt, ids, best);
        // What a running sequence has of a page that is not complete is not in the tree.
        let shared = |running: &Running| running.memory.reach(common(running.known(best.is_some()), ids));
        let others = self.running.iter().filter(|running| job.is_served_by(&running.job));
        let others = others.map(|running| (shared(running), running));
        let most = others.max_by_key(|(shared, _)| *shared).filter(|(shared, _)| *shared > found.len);
        let (mut known, node) = most.map_or((found.len, found.node), |(shared, running)| (shared, running.node));
        // The next token has a score too, which follows from the logits of the last one that is known.
        known -= usize::from(best.is_some() && known > 0);
        let mut node = self.prefixes.ancestor(node, known / PAGE);
        let mut scores = match (best, most.and_then(|(_, running)| running.job.scores.as_ref())) {
            (None, _) => Vec::new(),
            (Some(best), Some(scores)) => scores.beginning(known, best).collect(),
            (Some(best), None) => self.prefixes.scores(&found, known, best),
        };
        let memory = if known % PAGE < WORTH_COPYING {
            known -= known % PAGE;
            scores.truncate(known);
            self.prefixes.page(node)
        } else if let Some((_, running)) = most {
            Some(running.memory.beginning(known))
        } else {
            self.prefixes.memory(&found, known)
        };
        let mut memory = memory.unwrap_or_else(|| self.engine.memory());
        if memory.len() < known {
            // What the delta rule remembers cannot be cut there.
            let (page, resumed) = self.prefixes.resume(node);
            (node, memory) = (page, resumed.unwrap_or_else(|| self.engine.memory()));
            known = memory.len();
            scores.truncate(known);
        }
        self.prefixes.pin(node);
        self.prefixes.unpin(found.node);
        let reserved = pages_for(job.positions) * PAGE;
        if !self.has_pages(self.pages_of(job.positions) - known / PAGE) || !self.reserve(&mut memory, reserved - known)
        {
            drop(memory);
            self.prefixes.unpin(node);
            return Err(Box::new(job));
        }
        job.usage.cached_tokens = known;
        job.usage.queued = now.saturating_sub(job.submitted);
        self.counters.admitted += 1;
        self.counters.prefix_lookups += 1;
        self.counters.prefix_hits += u64::from(known > 0);
        self.counters.cached_tokens += known as u64;
        let charged = job.prompt().len() - known + job.wanted();
        self.admitted.charge(&job.key, charged);
        self.tell(job.id, EventKind::Admitted { cached: known });
        if let Some(known_scores) = job.scores.as_mut().filter(|_| !scores.is_empty()) {
            known_scores.of = scores.clone();
            self.tell(job.id, EventKind::Prompt { done: known, of: job.prompt().len(), logprobs: scores });
        }
        self.running.push(Running { job, memory, reserved, node, before: known });
        Ok(())
    }

    /// Whether so many pages are free or can be made so.
    fn has_pages(&self, needed: usize) -> bool {
        let (_, free, _) = self.engine.pages();
        let (pages, active) = self.prefixes.pages();
        let states = match self.engine.pages_per_state() {
            0 => 0,
            of_one => of_one * self.prefixes.whole_pages(active),
        };
        needed <= free + (pages - active) + states
    }
}
