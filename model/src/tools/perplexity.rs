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
pub struct Perplexity {
    /// Mean of `-ln p(token)`, in nats.
    pub mean_loss: f64,
    /// Tokens that were predicted.
    pub predicted: usize,
}

impl Perplexity {
    /// `exp(mean_loss)`.
    pub fn perplexity(&self) -> f64 {
        self.mean_loss.exp()
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
    let (mut loss, mut predicted, mut start) = (0.0, 0, 0);
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
                    predicted += 1;
                }
                Ok(())
            })??;
            progress(predicted, total);
            at = next;
        }
        start += stride;
    }
    Ok(Perplexity { mean_loss: loss / predicted as f64, predicted })
}

/// `-ln softmax(logits)[target]`, in f64.
fn loss_of(logits: &[f32], target: usize) -> f64 {
    log_sum_exp(logits) - f64::from(logits[target])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_negative_log_probability() {
        // softmax(ln 1, ln 2, ln 5) = (1/8, 2/8, 5/8)
        let logits = [0.0, 2f32.ln(), 5f32.ln()];
        for (target, probability) in [(0, 0.125f64), (1, 0.25), (2, 0.625)] {
            assert!((loss_of(&logits, target) + probability.ln()).abs() < 1e-6);
        }
    }
}
