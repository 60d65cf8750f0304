//! Rotary position embedding as configurations describe it: base, scaling, and which elements turn together. The
//! rotation itself is in `trine-kernels`.

mod yarn;

pub use yarn::Yarn;

use std::f32::consts::TAU;
use trine_shapes::RopePairing;

/// Rotary position embedding: pair `i` turns by `position * base^(-2i / rotated) / divisor[i]` radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeConfig {
    /// Base of the frequencies, theta.
    pub base: f32,
    /// How many leading elements of a head rotate.
    pub rotated: usize,
    /// Where the divisors come from.
    pub scaling: RopeScaling,
    /// Which elements of a head rotate together. It follows the order of the rows of the query and key matrices: GGUF
    /// files of the `llama` architecture have them in pairs, safetensors of the same model in halves.
    pub pairing: RopePairing,
}

/// How a model turns slower than it was first trained to, for longer contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// All divisors are 1.
    None,
    /// All divisors are `factor`.
    Linear {
        /// The divisor.
        factor: f32,
    },
    /// By the length `w = 2 pi / frequency` of a turn in positions (Llama 3.1): `factor` where `w` is more than
    /// `context / low`, 1 where it is less than `context / high`, and between them
    /// `1 / ((1 - s) / factor + s)` with `s = (context / w - low) / (high - low)`.
    Llama3 {
        /// The largest divisor.
        factor: f32,
        /// Turns in the original context below which a pair counts as slow.
        low: f32,
        /// Turns in the original context above which a pair counts as fast.
        high: f32,
        /// Positions that the model was first trained for.
        context: f32,
    },
    /// YaRN (Qwen3 with long contexts, Bonsai).
    Yarn(Yarn),
    /// LongRoPE (MiniCPM4, Phi-3).
    LongRope(LongRope),
}

/// LongRoPE (Ding et al. 2024, arXiv 2402.13753): divisors that were searched for, one for each pair. A model has two
/// lists of them, which are tensors of its file: one for contexts as long as it was first trained for, one for longer
/// ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongRope {
    /// Positions that the model was first trained for.
    pub original_context: usize,
    /// What cosines and sines are multiplied by.
    pub multiplier: f32,
}

impl LongRope {
    /// Which divisors a model of this context has at every position: those for long contexts where the context is
    /// longer than the original one.
    ///
    /// llama.cpp chooses so, by the context that it allocates. HF's models choose by the present length of a sequence,
    /// so that a token's keys depend on the step that it came with; they agree beyond the original context, and
    /// everywhere where the context is not longer than that.
    pub fn factors(&self, context: usize) -> RopeFactors {
        if context > self.original_context { RopeFactors::Long } else { RopeFactors::Short }
    }

    /// The multiplier that is meant where none is given: `sqrt(1 + ln(factor) / ln(original_context))`, with `factor`
    /// how many times longer the context became.
    pub(crate) fn usual_multiplier(factor: f64, original_context: usize) -> f32 {
        let longer = if factor > 1.0 { factor.ln() / (original_context as f64).ln() } else { 0.0 };
        (1.0 + longer).sqrt() as f32
    }
}

/// One of the two lists of divisors of [`LongRope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopeFactors {
    /// For contexts that are not longer than the original one.
    Short,
    /// For longer ones.
    Long,
}

impl RopeScaling {
    /// The name of the scaling in files; `None` where there is none.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            RopeScaling::None => None,
            RopeScaling::Linear { .. } => Some("linear"),
            RopeScaling::Llama3 { .. } => Some("llama3"),
            RopeScaling::Yarn(_) => Some("yarn"),
            RopeScaling::LongRope(_) => Some("longrope"),
        }
    }
}

impl RopeConfig {
    /// The divisor of each pair's frequency, but for divisors that are tensors.
    ///
    /// Source: `_compute_llama3_parameters` of HF transformers' `modeling_rope_utils.py`.
    pub fn divisors(&self) -> Vec<f32> {
        if let RopeScaling::Yarn(yarn) = self.scaling {
            return yarn.divisors(self.base, self.rotated);
        }
        let frequency = |pair: usize| 1.0 / self.base.powf((2 * pair) as f32 / self.rotated as f32);
        let divisor = |pair| match self.scaling {
            RopeScaling::None | RopeScaling::Yarn(_) | RopeScaling::LongRope(_) => 1.0,
            RopeScaling::Linear { factor } => factor,
            RopeScaling::Llama3 { factor, low, high, context } => {
                let turns = context * frequency(pair) / TAU;
                if turns < low {
                    factor
                } else if turns > high {
                    1.0
                } else {
                    let smooth = (turns - low) / (high - low);
                    1.0 / ((1.0 - smooth) / factor + smooth)
                }
            }
        };
        (0..self.rotated / 2).map(divisor).collect()
    }
    /// What the cosine and the sine of every angle are multiplied by.
    pub fn multiplier(&self) -> f32 {
        match self.scaling {
            RopeScaling::Yarn(yarn) => yarn.multiplier(),
            RopeScaling::LongRope(long) => long.multiplier,
            RopeScaling::None | RopeScaling::Linear { .. } | RopeScaling::Llama3 { .. } => 1.0,
        }
    }
}
