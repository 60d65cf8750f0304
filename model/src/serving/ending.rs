//! How requests end, and what stays of them. What does not belong here: why they end.

use super::event::{End, EventKind};
use super::request::RequestId;
use super::running::{Job, Running, rest};
use super::scheduler::Scheduler;
use crate::generation::Finish;
use trine_kernels::PAGE;

/// How much of the mean the next request is, for what requests use of the tokens that they ask for.
const USED_WEIGHT: f64 = 0.05;

impl Scheduler {
    /// Ends a request, wherever it is; says whether it was there.
    pub(super) fn end(&mut self, request: RequestId, end: End) -> bool {
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
        // A state of the delta rule that a step has broken is behind fewer tokens.
        let is_whole = self.prefixes.depth(node) == len / PAGE;
        debug_assert!(is_whole || self.engine.pages_per_state() > 0, "each page is in the tree");
        if is_whole && !len.is_multiple_of(PAGE) {
            let tail = &job.generation.tokens()[len / PAGE * PAGE..len];
            let scores = job.scores.as_ref().and_then(|scores| scores.page(len / PAGE));
            self.prefixes.keep(node, tail, memory, scores);
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
    pub(super) fn done(&mut self, job: Job, end: End) {
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
