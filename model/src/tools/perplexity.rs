//! Perplexity of a text under a model: the strided sliding-window measure.
//!
//! The text is read in windows of `window` tokens that start `stride` tokens apart. Each token is predicted once, from
//! as much of its window as precedes it: all of the first window, then the last `stride` tokens of each next one.
//! `perplexity = exp(mean of -ln p(token))` over all predicted tokens; the very first token is not predicted.
//! Source: the fixed-length evaluation in HF transformers' documentation of perplexity.

use crate::generation::log_sum_exp;
use crate::network::{KvCache, StepError, Transformer};
use trine_kernels::{CacheFull, CacheType};
use trine_ops::Cpu;
use trine_shapes::{Fixed, Idx, Model, Vocab};

/// How a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Tokens in a window.
    pub window: usize,
    /// Tokens between the starts of two windows.
    pub stride: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Perplexity {
    /// Mean of `-ln p(token)`, in nats.
    pub mean_loss: f64,
    /// Tokens that were predicted.
    pub predicted: usize,
    /// How far the mean is off by chance, in nats: `s / sqrt(predicted)` with the standard deviation `s` of the losses,
    /// which are taken for independent of each other. `None` of a single one.
    pub standard_error: Option<f64>,
}

impl Perplexity {
    /// `exp(mean_loss)`.
    pub fn perplexity(&self) -> f64 {
        self.mean_loss.exp()
    }

    /// How far that is off by chance: the derivative of `exp` times the error of the mean.
    pub fn perplexity_error(&self) -> Option<f64> {
        self.standard_error.map(|error| self.perplexity() * error)
    }
}

/// Why there is nothing to measure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PerplexityError {
    /// Windows that do not cover the text once.
    #[error("window {} and stride {} do not cover a text: expected 2 <= window <= {context} and 1 <= stride < window",
        windows.window, windows.stride)]
    Windows {
        /// What was asked for.
        windows: Windows,
        /// The model's context.
        context: usize,
    },
    /// Less than two tokens.
    #[error("the text has {tokens} tokens, at least 2 are needed")]
    TooShort {
        /// Its length.
        tokens: usize,
    },
    /// A token whose probability is no number.
    #[error("the logits that predict token {position} are not finite: no text can be measured with this model")]
    NotFinite {
        /// Its place in the text, from 0.
        position: usize,
    },
    /// The cache does not fit in memory.
    #[error(transparent)]
    Cache(#[from] CacheFull),
    /// A step was refused.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Positions whose logits are held at a time.
const CHUNK: usize = 64;

/// Measures `tokens` under `transformer`; `progress` receives the number of tokens predicted so far and their total.
///
/// # Errors
/// [`PerplexityError`] where the windows or the text allow no measure.
pub fn perplexity<M: Model>(
    transformer: &Transformer<M>,
    cpu: &Cpu,
    kind: CacheType,
    tokens: &[Idx<Vocab<M>>],
    windows: Windows,
    progress: &dyn Fn(usize, usize),
) -> Result<Perplexity, PerplexityError> {
    let Windows { window, stride } = windows;
    let context = transformer.config.context;
    if !(2..=context).contains(&window) || !(1..window).contains(&stride) {
        return Err(PerplexityError::Windows { windows, context });
    }
    if tokens.len() < 2 {
        return Err(PerplexityError::TooShort { tokens: tokens.len() });
    }
    let total = tokens.len() - 1;
    let (mut loss, mut squares, mut predicted, mut start) = (0.0, 0.0, 0, 0);
    while predicted < total {
        let end = tokens.len().min(start + window);
        let mut cache = KvCache::new(transformer, Fixed::<1>, window, kind)?;
        // The last token of the window predicts nothing in it.
        let mut at = start;
        while at < end - 1 {
            let next = (end - 1).min(at + CHUNK);
            let first_new = predicted + 1;
            cache.step(&[&tokens[at..next]], |step| {
                if next < first_new {
                    transformer.prefill(cpu, step);
                    return Ok(());
                }
                let logits = transformer.logits(cpu, step);
                let rows = logits.data().chunks_exact(logits.data().len() / (next - at));
                for (row, target) in rows.zip(at + 1..).filter(|(_, target)| *target >= first_new) {
                    let of_token = loss_of(row, tokens[target].get());
                    if !of_token.is_finite() {
                        return Err(PerplexityError::NotFinite { position: target });
                    }
                    loss += of_token;
                    squares += of_token * of_token;
                    predicted += 1;
                }
                Ok(())
            })??;
            progress(predicted, total);
            at = next;
        }
        start += stride;
    }
    Ok(measured(loss, squares, predicted))
}

/// What the sums of losses and of their squares say.
fn measured(loss: f64, squares: f64, predicted: usize) -> Perplexity {
    let count = predicted as f64;
    let mean_loss = loss / count;
    // Rounding may leave a little less than nothing of losses that are all equal.
    let variance = ((squares - count * mean_loss * mean_loss) / (count - 1.0)).max(0.0);
    let standard_error = (predicted > 1).then(|| (variance / count).sqrt());
    Perplexity { mean_loss, predicted, standard_error }
}

/// `-ln softmax(logits)[target]`, in f64.
fn loss_of(logits: &[f32], target: usize) -> f64 {
    log_sum_exp(logits) - f64::from(logits[target])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `statistics.stdev([1, 2, 4, 9]) / 2` of Python.
    #[test]
    fn the_error_is_that_of_the_mean_of_the_losses() {
        let losses = [1.0, 2.0, 4.0, 9.0f64];
        let found = measured(losses.iter().sum(), losses.iter().map(|loss| loss * loss).sum(), 4);
        assert_eq!((found.mean_loss, found.predicted), (4.0, 4));
        assert!((found.standard_error.unwrap() - 1.779_513_042_005_219).abs() < 1e-12, "{found:?}");
        assert_eq!(found.perplexity_error().unwrap(), 4f64.exp() * found.standard_error.unwrap());
        assert_eq!(measured(3.0, 9.0, 1).standard_error, None);
        let equal = measured(0.1 * 3.0, 0.1 * 0.1 * 3.0, 3);
        assert!(equal.standard_error.unwrap() < 1e-8, "{equal:?}");
    }

    #[test]
    fn the_loss_is_the_negative_log_probability() {
        // softmax(ln 1, ln 2, ln 5) = (1/8, 2/8, 5/8)
        let logits = [0.0, 2f32.ln(), 5f32.ln()];
        for (target, probability) in [(0, 0.125f64), (1, 0.25), (2, 0.625)] {
            assert!((loss_of(&logits, target) + probability.ln()).abs() < 1e-6);
        }
    }
}
