//! The keys `rope.*` of a GGUF file as a [`RopeConfig`].
//!
//! What belongs here: reading keys, and refusing what they say where it is not computed. What does not: what the
//! numbers mean ([`crate::rope`]).

use super::Keys;
use crate::description::{ConfigError, LongRope, RopeConfig, RopeScaling, Yarn};

const SCALING: &str = "rope.scaling.type";
/// What the base is multiplied with, to the power of `d / (d - 2)`; 0 is nothing.
pub(super) const ALPHA: &str = "rope.scaling.alpha";
const FACTOR: &str = "rope.scaling.factor";
const ORIGINAL_CONTEXT: &str = "rope.scaling.original_context_length";

/// What rotated heads are multiplied with, relative to the usual number.
const MULTIPLIER: &str = "rope.scaling.attn_factor";

/// The same as HF transformers has it, not relative to another; llama.cpp writes it and, for these graphs, does not
/// read it.
const WHOLE_MULTIPLIER: &str = "rope.scaling.yarn_attn_factor";

impl Keys<'_> {
    pub(super) fn rope(&self, head_dim: usize) -> Result<RopeConfig, ConfigError> {
        let rotated = self.count_or("rope.dimension_count", head_dim)?;
        if rotated > head_dim || !rotated.is_multiple_of(2) {
            return Err(self.value("rope.dimension_count", rotated, format!("an even number up to {head_dim}")));
        }
        let scaling = match self.file.metadata().opt_str(&self.key(SCALING))? {
            Some("none") => RopeScaling::None,
            // A factor without a type is linear.
            None | Some("linear") => self.linear()?,
            Some("yarn") => self.yarn()?,
            Some("longrope") => self.long_rope()?,
            Some(other) => return Err(self.unsupported(SCALING, other)),
        };
        let unscaled = self.architecture.graph().global_unrotated;
        if let Some(found) = scaling.name().filter(|_| unscaled) {
            return Err(self.unsupported(SCALING, found));
        }
        let multiplier = self.positive(MULTIPLIER, Some(1.0))?;
        if multiplier != 1.0 && !matches!(scaling, RopeScaling::Yarn(_) | RopeScaling::LongRope(_)) {
            return Err(self.unsupported(MULTIPLIER, multiplier));
        }
        let base = self.positive("rope.freq_base", Some(10_000.0))?;
        let base =
            match self.file.metadata().opt_f32(&self.key(ALPHA))?.filter(|_| self.architecture.graph().rope_alpha) {
                Some(alpha) if alpha > 0.0 && alpha.is_finite() => with_alpha(base, alpha, head_dim),
                Some(alpha) if alpha != 0.0 => {
                    return Err(self.value(ALPHA, alpha, "a positive number, or 0 for none"));
                }
                _ => base,
            };
        // Below 1 the slowest pair of a head turns fastest; no model has it, and near 0 there are no such angles.
        if base < 1.0 {
            return Err(self.value("rope.freq_base", base, "at least 1"));
        }
        Ok(RopeConfig { base, rotated, scaling, pairing: self.architecture.graph().rope_pairing })
    }

    fn linear(&self) -> Result<RopeScaling, ConfigError> {
        // Older files have the factor under a key of its own (llama.cpp).
        let older = self.positive("rope.scale_linear", Some(1.0))?;
        let factor = self.positive(FACTOR, Some(older))?;
        Ok(if factor == 1.0 { RopeScaling::None } else { RopeScaling::Linear { factor } })
    }

    fn long_rope(&self) -> Result<RopeScaling, ConfigError> {
        // llama.cpp would divide all frequencies by it too.
        if let Some(found) = self.file.metadata().opt_f32(&self.key(FACTOR))?.filter(|found| *found != 1.0) {
            return Err(self.unsupported(FACTOR, found));
        }
        let original_context = self.count_or(ORIGINAL_CONTEXT, self.context()?)?;
        Ok(RopeScaling::LongRope(LongRope { original_context, multiplier: self.positive(MULTIPLIER, Some(1.0))? }))
    }

    fn yarn(&self) -> Result<RopeScaling, ConfigError> {
        // llama.cpp computes other mixtures and multipliers with other numbers here; no published file has them.
        for (suffix, usual) in [("rope.scaling.yarn_ext_factor", 1.0), ("rope.scaling.yarn_log_multiplier", 0.0)] {
            let found = self.file.metadata().opt_f32(&self.key(suffix))?;
            if let Some(found) = found.filter(|found| *found != usual) {
                return Err(self.unsupported(suffix, found));
            }
        }
        let factor = self.positive(FACTOR, None)?;
        if factor < 1.0 {
            return Err(self.value(FACTOR, factor, "at least 1"));
        }
        let (whole, usual) =
            (self.file.metadata().opt_f32(&self.key(WHOLE_MULTIPLIER))?, Yarn::usual_multiplier(factor));
        if let Some(found) = whole.filter(|whole| whole.is_nan() || (whole - usual).abs() > 1e-5 * usual) {
            return Err(self.unsupported(WHOLE_MULTIPLIER, found));
        }
        Ok(RopeScaling::Yarn(Yarn {
            factor,
            original_context: self.count(ORIGINAL_CONTEXT)?,
            attention_factor: self.positive(MULTIPLIER, Some(1.0))?,
            beta_fast: self.positive("rope.scaling.yarn_beta_fast", Some(Yarn::BETA_FAST))?,
            beta_slow: self.positive("rope.scaling.yarn_beta_slow", Some(Yarn::BETA_SLOW))?,
        }))
    }
}

/// The base that an `alpha` stands for (NTK-aware scaling). Source: `llama_model_hunyuan_vl` of llama.cpp.
pub(crate) fn with_alpha(base: f32, alpha: f32, head_dim: usize) -> f32 {
    let width = head_dim as f64;
    (f64::from(base) * f64::from(alpha).powf(width / (width - 2.0).max(1.0))) as f32
}
