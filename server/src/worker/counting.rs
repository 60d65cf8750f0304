//! What the thread counts for metrics. What does not belong here: their text (`metrics.rs`).

use super::telling::Told;
use crate::error::ApiError;
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trine::model::{Status, StepReport, Usage};

/// Counts.
#[derive(Debug)]
pub struct Counting {
    metrics: Arc<Metrics>,
    shown: Option<Instant>,
}

/// How often the numbers of the scheduler are looked at while it works.
const REFRESH: Duration = Duration::from_millis(200);

impl Counting {
    /// Counts into `metrics`.
    pub fn new(metrics: Arc<Metrics>) -> Counting {
        Counting { metrics, shown: None }
    }

    /// A step.
    pub fn step(&self, report: &StepReport) {
        if report.rows > 0 {
            self.metrics.step_time.add_time(report.time);
            self.metrics.step_rows.add(report.rows as f64);
        }
    }

    /// A token, so long after the one before it, or after the request.
    pub fn token(&self, since_last: Option<Duration>, since_request: Duration) {
        match since_last {
            Some(time) => self.metrics.between_tokens.add_time(time),
            None => self.metrics.first_token.add_time(since_request),
        }
    }

    /// The end of a choice.
    pub fn ended(&self, reason: &str, usage: &Usage) {
        self.metrics.finished.count(format!("finish=\"{reason}\""));
        self.metrics.queue_time.add_time(usage.queued);
        self.metrics.request_time.add_time(usage.total);
        self.metrics.prompt_tokens.add(usage.prompt_tokens as f64);
        self.metrics.generated_tokens.add(usage.generated_tokens as f64);
    }

    /// A choice whose client is gone.
    pub fn cancelled(&self, told: Option<&Told>) {
        let phase = if told.is_some_and(Told::is_admitted) { "running" } else { "queued" };
        self.metrics.cancelled.count(format!("phase=\"{phase}\""));
    }

    /// A request that is not taken.
    pub fn rejected(&self, error: &ApiError) {
        self.metrics.rejected.count(format!("reason=\"{}\"", error.code));
    }

    /// The numbers of the scheduler are others.
    pub fn changed(&mut self) {
        self.shown = None;
    }

    /// Takes over the numbers of the scheduler, where it is time for it.
    pub fn status(&mut self, is_idle: bool, status: impl FnOnce() -> Status) {
        if !is_idle && self.shown.is_some_and(|shown| shown.elapsed() < REFRESH) {
            return;
        }
        self.shown = Some(Instant::now());
        let Status { running, queued, pages, predicted_wait, counters, .. } = status();
        let metrics = &self.metrics;
        metrics.running.set(running as u64);
        metrics.queued.set(queued as u64);
        metrics.prompt_computed.set(counters.prompt_tokens);
        metrics.prompt_cached.set(counters.cached_tokens);
        metrics.generated.set(counters.generated_tokens);
        metrics.prefix_lookups.set(counters.prefix_lookups);
        metrics.prefix_hits.set(counters.prefix_hits);
        metrics.prefix_evictions.set(counters.prefix_evictions);
        let positions = [pages.active, pages.cached, pages.free];
        metrics.positions.iter().zip(positions).for_each(|(gauge, pages)| gauge.set((pages * POSITIONS) as u64));
        metrics.cache_bytes.set((pages.total * pages.bytes) as u64);
        metrics.pages_elsewhere.set(pages.elsewhere as u64);
        metrics.predicted_wait_ms.set(predicted_wait.as_millis() as u64);
    }
}

/// Positions of a page.
const POSITIONS: usize = trine::kernels::PAGE;
