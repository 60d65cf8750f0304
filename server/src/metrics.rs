//! What a server counts, as Prometheus reads it. What does not belong here: counting (`endpoints`, `worker`).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Gives it another value, where it is kept elsewhere or goes up and down.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// The upper ends of the buckets of times, in seconds: those of vLLM.
const SECONDS: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];

/// The upper ends of the buckets of counts of tokens and rows.
const COUNTS: [f64; 13] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0];

/// How often values were up to some bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    buckets: Vec<Counter>,
    /// In millionths.
    sum: Counter,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Histogram {
        let buckets = bounds.iter().chain([&f64::INFINITY]).map(|_| Counter::default()).collect();
        Histogram { bounds, buckets, sum: Counter::default() }
    }

    /// Adds a value.
    pub fn add(&self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.buckets[bucket].add(1);
        self.sum.add((value * 1e6) as u64);
    }

    /// Adds a time.
    pub fn add_time(&self, time: Duration) {
        self.add(time.as_secs_f64());
    }

    fn write(&self, name: &str, help: &str, out: &mut String) {
        header(out, name, "histogram", help);
        let mut total = 0;
        for (bucket, bound) in self.buckets.iter().zip(self.bounds.iter().map(f64::to_string).chain(["+Inf".into()])) {
            total += bucket.get();
            line(out, format_args!("{name}_bucket{{le=\"{bound}\"}} {total}"));
        }
        line(out, format_args!("{name}_sum {}", self.sum.get() as f64 / 1e6));
        line(out, format_args!("{name}_count {total}"));
    }
}

/// How often values with a label occurred.
#[derive(Debug, Default)]
pub struct Labelled(Mutex<BTreeMap<String, u64>>);

impl Labelled {
    /// Counts one of `labels`, as they stand between braces.
    pub fn count(&self, labels: String) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(labels).or_default() += 1;
    }

    fn write(&self, name: &str, help: &str, out: &mut String) {
        header(out, name, "counter", help);
        for (labels, count) in self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter() {
            line(out, format_args!("{name}{{{labels}}} {count}"));
        }
    }
}

fn header(out: &mut String, name: &str, kind: &str, help: &str) {
    line(out, format_args!("# HELP {name} {help}"));
    line(out, format_args!("# TYPE {name} {kind}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A `String` takes everything.
    let _ = out.write_fmt(text);
    out.push('\n');
}

/// All that a server counts.
#[derive(Debug)]
pub struct Metrics {
    /// Responses, by endpoint and status.
    pub requests: Labelled,
    /// Choices that ended, by the reason.
    pub finished: Labelled,
    /// Requests that were refused because there was enough to do, by the reason.
    pub rejected: Labelled,
    /// Choices whose client went away, by what they were doing.
    pub cancelled: Labelled,
    /// Sequences that are generated.
    pub running: Counter,
    /// Sequences that wait.
    pub queued: Counter,
    /// Tokens of prompts that were computed.
    pub prompt_computed: Counter,
    /// Tokens of prompts that were in the cache.
    pub prompt_cached: Counter,
    /// Tokens that were generated.
    pub generated: Counter,
    /// Beginnings of prompts that were looked for among what was computed before.
    pub prefix_lookups: Counter,
    /// Those that were found.
    pub prefix_hits: Counter,
    /// Pages that made room.
    pub prefix_evictions: Counter,
    /// Pages that the program has beside the server; where it has none, those that were lost.
    pub pages_elsewhere: Counter,
    /// Positions in the cache: of running sequences, kept of others, free.
    pub positions: [Counter; 3],
    /// Bytes of the cache.
    pub cache_bytes: Counter,
    /// The time that a request would wait, in milliseconds.
    pub predicted_wait_ms: Counter,
    /// From a request to its first token.
    pub first_token: Histogram,
    /// Between tokens of a sequence.
    pub between_tokens: Histogram,
    /// From a request to its first step.
    pub queue_time: Histogram,
    /// From a request to its end.
    pub request_time: Histogram,
    /// Steps of the model.
    pub step_time: Histogram,
    /// Tokens of a step.
    pub step_rows: Histogram,
    /// Tokens of prompts.
    pub prompt_tokens: Histogram,
    /// Tokens of answers.
    pub generated_tokens: Histogram,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            requests: Labelled::default(),
            finished: Labelled::default(),
            rejected: Labelled::default(),
            cancelled: Labelled::default(),
            running: Counter::default(),
            queued: Counter::default(),
            prompt_computed: Counter::default(),
            prompt_cached: Counter::default(),
            generated: Counter::default(),
            prefix_lookups: Counter::default(),
            prefix_hits: Counter::default(),
            prefix_evictions: Counter::default(),
            pages_elsewhere: Counter::default(),
            positions: Default::default(),
            cache_bytes: Counter::default(),
            predicted_wait_ms: Counter::default(),
            first_token: Histogram::new(&SECONDS),
            between_tokens: Histogram::new(&SECONDS),
            queue_time: Histogram::new(&SECONDS),
            request_time: Histogram::new(&SECONDS),
            step_time: Histogram::new(&SECONDS),
            step_rows: Histogram::new(&COUNTS),
            prompt_tokens: Histogram::new(&COUNTS),
            generated_tokens: Histogram::new(&COUNTS),
        }
    }
}

impl Metrics {
    /// The text that Prometheus reads.
    pub fn text(&self, model: &str) -> String {
        let mut out = String::new();
        self.requests.write("trine_requests_total", "Responses.", &mut out);
        self.finished.write("trine_choices_total", "Choices that ended, by the reason.", &mut out);
        self.rejected.write("trine_rejected_total", "Requests refused because there was enough to do.", &mut out);
        self.cancelled.write("trine_cancelled_total", "Choices whose client went away.", &mut out);
        header(&mut out, "trine_prompt_tokens_total", "counter", "Tokens of prompts.");
        for (source, count) in [("computed", &self.prompt_computed), ("cached", &self.prompt_cached)] {
            line(&mut out, format_args!("trine_prompt_tokens_total{{source=\"{source}\"}} {}", count.get()));
        }
        for (name, help, counter) in [
            ("trine_generated_tokens_total", "Tokens that were generated.", &self.generated),
            ("trine_prefix_lookups_total", "Beginnings of prompts that were looked for.", &self.prefix_lookups),
            ("trine_prefix_hits_total", "Beginnings of prompts that were computed before.", &self.prefix_hits),
            ("trine_prefix_evictions_total", "Pages that made room for others.", &self.prefix_evictions),
        ] {
            header(&mut out, name, "counter", help);
            line(&mut out, format_args!("{name} {}", counter.get()));
        }
        header(&mut out, "trine_kv_positions", "gauge", "Positions in the cache.");
        for (state, count) in ["active", "cached", "free"].iter().zip(&self.positions) {
            line(&mut out, format_args!("trine_kv_positions{{state=\"{state}\"}} {}", count.get()));
        }
        let gauges = [
            ("trine_requests_running", "Sequences that are generated.", self.running.get() as f64),
            ("trine_requests_queued", "Sequences that wait.", self.queued.get() as f64),
            ("trine_kv_bytes", "Bytes of the cache.", self.cache_bytes.get() as f64),
            (
                "trine_kv_pages_elsewhere",
                "Pages that neither requests nor the cache have.",
                self.pages_elsewhere.get() as f64,
            ),
            (
                "trine_predicted_wait_seconds",
                "The time that a request would wait.",
                self.predicted_wait_ms.get() as f64 / 1e3,
            ),
        ];
        for (name, help, value) in gauges.into_iter().chain(of_process()) {
            header(&mut out, name, "gauge", help);
            line(&mut out, format_args!("{name} {value}"));
        }
        let histograms = [
            ("trine_time_to_first_token_seconds", "From a request to its first token.", &self.first_token),
            ("trine_inter_token_seconds", "Between tokens of a sequence.", &self.between_tokens),
            ("trine_queue_seconds", "From a request to its first step.", &self.queue_time),
            ("trine_request_seconds", "From a request to its end.", &self.request_time),
            ("trine_step_seconds", "Steps of the model.", &self.step_time),
            ("trine_step_rows", "Tokens of a step.", &self.step_rows),
            ("trine_prompt_length_tokens", "Tokens of a prompt.", &self.prompt_tokens),
            ("trine_answer_length_tokens", "Tokens of an answer.", &self.generated_tokens),
        ];
        for (name, help, histogram) in histograms {
            histogram.write(name, help, &mut out);
        }
        header(&mut out, "trine_build_info", "gauge", "Version and model.");
        let (version, model) = (env!("CARGO_PKG_VERSION"), escaped(model));
        line(&mut out, format_args!("trine_build_info{{version=\"{version}\",model=\"{model}\"}} 1"));
        out
    }
}

/// The value of a label.
pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The memory of this process, where the system tells it.
fn of_process() -> Option<(&'static str, &'static str, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?;
    let bytes = kib.trim().parse::<f64>().ok()? * 1024.0;
    Some(("process_resident_memory_bytes", "Memory of the process.", bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_their_buckets() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        [0.5, 1.0, 1.5, 7.0].iter().for_each(|value| histogram.add(*value));
        let mut out = String::new();
        histogram.write("h", "Help.", &mut out);
        let expected = "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"2\"} 3\n\
                        h_bucket{le=\"+Inf\"} 4\nh_sum 10\nh_count 4\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn each_name_is_described_once() {
        let metrics = Metrics::default();
        metrics.requests.count("endpoint=\"/v1/models\",status=\"200\"".to_owned());
        let text = metrics.text("a\"b");
        let mut names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert!(names.len() > 15 && text.contains("model=\"a\\\"b\"") && text.ends_with('\n'));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
