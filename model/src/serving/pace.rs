//! How long a step takes, learned while steps are taken. What belongs here: the model of step time and what follows
//! from it. What does not: which sequences take a step (`plan.rs`).

use super::status::StepClass;
use std::time::Duration;
use trine_kernels::PAGE;

/// Most rows of each class of steps.
const CLASSES: [usize; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, usize::MAX];

/// How much of the mean a new step is.
const WEIGHT: f64 = 0.2;

/// Chunks of prompts are multiples of it, and one is computed in a step however long it takes.
pub(super) const SMALLEST_CHUNK: usize = 16;

/// How long steps should take, and most tokens of prompts in one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// While tokens are generated.
    pub target: Duration,
    /// While there are prompts alone.
    pub prompt_target: Duration,
    pub most: usize,
}

/// Means of the rows and the seconds of steps, for classes of their rows. The means forget: so they follow the machine
/// and its other work, and what grows with the sequences.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    classes: [Class; CLASSES.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct Class {
    steps: u64,
    total: f64,
    rows: f64,
    seconds: f64,
}

impl Pace {
    /// Learns from a step.
    pub fn observe(&mut self, rows: usize, time: Duration) {
        let class = CLASSES.iter().position(|&most| rows <= most).expect("the last class has no limit");
        let class = &mut self.classes[class];
        let (rows, seconds) = (rows as f64, time.as_secs_f64());
        let weight = if class.steps == 0 { 1.0 } else { WEIGHT };
        class.rows += weight * (rows - class.rows);
        class.seconds += weight * (seconds - class.seconds);
        class.total += seconds;
        class.steps += 1;
    }

    /// The seconds that a step of so many rows is expected to take; none before the first step.
    ///
    /// Between two classes it lies on the line through their means. It is never more than in proportion to the rows of
    /// a smaller class: more rows share what they read. So a class of which too much was expected is tried again.
    pub fn expected(&self, rows: usize) -> Option<f64> {
        let rows = rows as f64;
        let known = || self.classes.iter().filter(|class| class.steps > 0);
        let mut below = known().filter(|class| class.rows <= rows);
        let in_proportion = below.clone().map(|class| class.seconds * rows / class.rows).reduce(f64::min);
        let above = known().find(|class| class.rows >= rows);
        let on_the_line = match (below.next_back(), above) {
            (Some(low), Some(high)) if high.rows > low.rows => {
                Some(low.seconds + (high.seconds - low.seconds) * (rows - low.rows) / (high.rows - low.rows))
            }
            (_, Some(high)) => Some(high.seconds),
            _ => None,
        };
        match (in_proportion, on_the_line) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The tokens of prompts that a step takes beside `decoding` others: as many as fit the target. Before the first
    /// step nobody knows, and a page is taken.
    pub fn chunk(&self, decoding: usize, limits: Limits) -> usize {
        let Limits { target, prompt_target, most } = limits;
        if decoding == 0 && self.expected(1).is_none() {
            return PAGE.min(most);
        }
        let target = if decoding == 0 { prompt_target } else { target };
        let fits =
            |chunk: &usize| self.expected(decoding + chunk).is_some_and(|seconds| seconds <= target.as_secs_f64());
        let chunks = (1..=most / SMALLEST_CHUNK).rev().map(|times| times * SMALLEST_CHUNK);
        chunks.into_iter().find(fits).unwrap_or(SMALLEST_CHUNK).min(most)
    }

    /// Tokens of prompts a second, beside `decoding` others.
    pub fn prompt_rate(&self, decoding: usize, limits: Limits) -> Option<f64> {
        let chunk = self.chunk(decoding, limits);
        Some(chunk as f64 / self.expected(decoding + chunk)?).filter(|rate| rate.is_finite())
    }

    /// The numbers for metrics.
    pub fn classes(&self) -> Vec<StepClass> {
        let class = |(&rows, class): (&usize, &Class)| StepClass {
            rows,
            steps: class.steps,
            seconds: class.total,
            expected: class.seconds,
        };
        CLASSES.iter().zip(&self.classes).map(class).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { target: Duration::from_millis(100), prompt_target: Duration::from_millis(200), most: 512 };

    fn after(steps: &[(usize, u64)]) -> Pace {
        let mut pace = Pace::default();
        steps.iter().for_each(|&(rows, ms)| pace.observe(rows, Duration::from_millis(ms)));
        pace
    }

    fn milliseconds(pace: &Pace, rows: usize) -> f64 {
        (pace.expected(rows).expect("a step was taken") * 1e6).round() / 1e3
    }

    #[test]
    fn between_classes_there_are_lines() {
        let pace = after(&[(2, 30), (8, 60)]);
        let expected = [1, 2, 4, 5, 8, 16].map(|rows| milliseconds(&pace, rows));
        assert_eq!(expected, [30.0, 30.0, 40.0, 45.0, 60.0, 120.0]);
        assert_eq!(Pace::default().expected(1), None);
    }

    #[test]
    fn a_slow_step_is_forgotten() {
        // A first step of many rows was slow: it is not believed to take longer than in proportion to others.
        let mut pace = after(&[(100, 5000), (4, 20)]);
        assert_eq!(milliseconds(&pace, 100), 500.0);
        assert_eq!(pace.chunk(4, LIMITS), 16);
        (0..80).for_each(|_| pace.observe(4, Duration::from_millis(10)));
        assert_eq!(milliseconds(&pace, 4), 10.0);
        assert_eq!(pace.chunk(4, LIMITS), 32);
    }

    #[test]
    fn chunks_keep_to_the_target_beside_others_alone() {
        // 10 ms and 1 ms for each row.
        let pace = after(&[(1, 11), (8, 18), (16, 26), (32, 42), (64, 74), (128, 138), (256, 266)]);
        assert_eq!([0, 1, 8, 60, 200].map(|decoding| pace.chunk(decoding, LIMITS)), [176, 80, 80, 16, 16]);
        assert_eq!(pace.chunk(1, Limits { most: 48, ..LIMITS }), 48);
        assert_eq!(pace.chunk(1, Limits { most: 8, ..LIMITS }), 8);
        assert_eq!(pace.prompt_rate(8, LIMITS).map(f64::round), Some((80.0 / 0.098_f64).round()));
        assert_eq!(Pace::default().prompt_rate(8, LIMITS), None);
        assert_eq!([0, 8].map(|decoding| Pace::default().chunk(decoding, LIMITS)), [256, 16]);
    }

    #[test]
    fn classes_count_their_steps() {
        let classes = after(&[(3, 10), (4, 30), (4000, 1)]).classes();
        assert_eq!((classes[2].rows, classes[2].steps), (4, 2));
        assert!((classes[2].seconds - 0.04).abs() < 1e-12 && (classes[2].expected - 0.014).abs() < 1e-12);
        assert_eq!((classes[9].steps, classes.iter().map(|class| class.steps).sum::<u64>()), (1, 3));
    }
}
