//! What a step does with running requests: how much of each it takes, and what comes of it. What does not belong here:
//! which requests run (`admission.rs`), and how they end (`ending.rs`).

use super::event::{End, EventKind, RequestError};
use super::plan::{Prompting, chunks};
use super::prefixes::NodeId;
use super::request::RequestId;
use super::running::{Outcome, Running};
use super::scheduler::Scheduler;
use super::status::StepReport;
use crate::engine::{EngineError, Part};
use crate::generation::Finish;
use std::sync::Arc;
use std::time::Duration;
use trine_kernels::PAGE;

impl Scheduler {
    /// Takes a page for each sequence that has filled its own, or ends it where there is none.
    pub(super) fn grow(&mut self) {
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
    pub(super) fn plan(&self) -> Vec<usize> {
        let mut counts: Vec<usize> = self.running.iter().map(|running| usize::from(!running.is_prompting())).collect();
        let decoding = counts.iter().sum();
        let prompting = self.running.iter().enumerate().filter(|(_, running)| running.is_prompting());
        let prompting = prompting.map(|(index, running)| Prompting {
            index,
            done: running.memory.len(),
            of: running.job.prompt().len(),
            got: self.computed.of(&running.job.key),
        });
        let chunk = self.pace.chunk(decoding, self.options.limits());
        for (index, count) in chunks(prompting.collect(), chunk) {
            counts[index] = count;
        }
        counts
    }

    /// Runs the model once: so many tokens of each running sequence.
    pub(super) fn run(&mut self, counts: &[usize]) -> StepReport {
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
        if let Some(scores) = &mut running.job.scores {
            scores.of.extend_from_slice(&logprobs);
        }
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
        if !len.is_multiple_of(PAGE) {
            return;
        }
        debug_assert_eq!(self.prefixes.depth(running.node) + 1, len / PAGE, "each page enters the tree");
        let ids = &running.job.generation.tokens()[len - PAGE..len];
        let scores = running.job.scores.as_ref().and_then(|scores| scores.page(len / PAGE - 1));
        let known = self.prefixes.child(running.node, ids, scores.as_ref());
        let kept = known.or_else(|| self.prefixes.keep(running.node, ids, running.memory.beginning(len), scores));
        let Some(node) = kept else { return };
        self.prefixes.pin(node);
        self.prefixes.unpin(std::mem::replace(&mut running.node, node));
        if self.engine.pages_per_state() > 0 {
            return self.own_state(at, node);
        }
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

    /// Gives a sequence a state of its own behind a page that the tree has got, so that its next step takes no memory.
    /// Where there is none, the tree goes without.
    fn own_state(&mut self, at: usize, node: NodeId) {
        self.prefixes.thin_out(node);
        let mut running = self.running.remove(at);
        if let (_, Some(page)) = self.prefixes.resume(node)
            && page.len() == running.memory.len()
        {
            running.memory.take_pages(page);
        }
        let ahead = running.reserved - running.memory.len();
        if !self.reserve(&mut running.memory, ahead) {
            self.prefixes.forget(node);
            if !self.reserve(&mut running.memory, ahead) {
                running.reserved = running.memory.len();
            }
        }
        self.running.insert(at, running);
    }
}
