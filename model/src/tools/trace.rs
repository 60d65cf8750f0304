//! The values of every part of a forward pass as two numbers, so that a tensor in a wrong role shows where values first
//! go astray.
//!
//! What belongs here: these numbers. What does not: which parts there are (`network/part.rs`), tables and pictures (the
//! `trine` command).

use crate::generation::Session;
use crate::network::{LogitsRequest, Part, StepError};
use trine_shapes::{Idx, Model, Vocab};

/// The values of a part, over all positions.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PartValues {
    /// The block; `None` outside of blocks.
    pub block: Option<usize>,
    /// The part.
    pub part: Part,
    /// The root mean square, `sqrt(mean(x^2))`.
    pub rms: f64,
    /// The largest absolute value.
    pub largest: f32,
}

/// Sums that become [`PartValues`].
struct Seen {
    block: Option<usize>,
    part: Part,
    squares: f64,
    largest: f32,
    count: usize,
}

impl Seen {
    fn add(&mut self, values: &[f32]) {
        self.squares += values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        self.largest = values.iter().fold(self.largest, |largest, value| largest.max(value.abs()));
        self.count += values.len();
    }

    fn values(&self) -> PartValues {
        let rms = (self.squares / self.count as f64).sqrt();
        PartValues { block: self.block, part: self.part, rms, largest: self.largest }
    }
}

/// Appends tokens to a session, and returns the values of every part in the order in which they were computed first.
/// The head is computed for the last token alone.
///
/// # Errors
/// No token, or a full context; the session is then as before.
pub fn trace<M: Model>(session: &mut Session<M>, tokens: &[Idx<Vocab<M>>]) -> Result<Vec<PartValues>, StepError> {
    let mut seen: Vec<Seen> = Vec::new();
    session.feed_watched(tokens, LogitsRequest::All, &mut |block, part, values| {
        // A long prompt passes in several steps.
        let known = seen.iter().position(|seen| (seen.block, seen.part) == (block, part));
        let at = known.unwrap_or(seen.len());
        if known.is_none() {
            seen.push(Seen { block, part, squares: 0.0, largest: 0.0, count: 0 });
        }
        seen[at].add(values);
    })?;
    Ok(seen.iter().map(Seen::values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LoadOptions, Synthetic, load};
    use trine_kernels::{CacheType, CpuOptions};
    use trine_ops::Cpu;
    use trine_shapes::Dyn;

    #[test]
    fn a_prompt_of_several_steps_has_the_numbers_of_all_its_values() {
        let synthetic = Synthetic::tiny();
        let file = synthetic.gguf().unwrap();
        let cpu = Cpu::new(CpuOptions::default()).unwrap();
        Dyn::scope(synthetic.config.dims, |model| {
            let transformer = load(model, &file, &cpu, &LoadOptions::default()).unwrap().transformer;
            let session = || Session::new(&transformer, &cpu, 300, CacheType::F32).unwrap();
            let ids: Vec<u32> = (0..300).map(|at| at * 7 % 1000).collect();
            let tokens = session().tokens_of(&ids).unwrap();
            let found = trace(&mut session(), &tokens).unwrap();
            let (mut values, mut logits) = (Vec::new(), Vec::new());
            let logits_of_all = session().feed_watched(&tokens, LogitsRequest::All, &mut |block, part, of| {
                if (block, part) == (Some(1), Part::Output) {
                    values.extend_from_slice(of);
                }
            });
            logits.extend(logits_of_all.unwrap().into_dense());
            let expected = |values: &[f32]| {
                let squares = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>();
                ((squares / values.len() as f64).sqrt(), values.iter().fold(0.0f32, |most, x| most.max(x.abs())))
            };
            let of = |block, part| {
                let found = found.iter().find(|found| (found.block, found.part) == (block, part)).unwrap();
                (found.rms, found.largest)
            };
            assert_eq!(values.len(), 300 * 512);
            let (rms, largest) = of(Some(1), Part::Output);
            let (expected_rms, expected_largest) = expected(&values);
            assert!((rms / expected_rms - 1.0).abs() < 1e-12 && largest == expected_largest);
            assert_eq!(of(None, Part::Logits), expected(&logits));
            assert_eq!(found.len(), 2 * 17 + 3);
        });
    }
}
