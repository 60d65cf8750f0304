//! The keys of a GGUF file that say how many experts a block has, and how tokens go to them.
//!
//! What belongs here: reading these keys, and what of their neighbours is not computed. What does not: what the numbers
//! mean ([`ExpertCounts`]).

use super::Keys;
use crate::description::{Config, ConfigError};
use trine_loader::{Array, Value};
use trine_shapes::{Dims, ExpertCounts};

pub(super) const COUNT: &str = "expert_count";
const USED: &str = "expert_used_count";
pub(super) const WIDTH: &str = "expert_feed_forward_length";
const LIMITS: &str = "swiglu_clamp_exp";

/// `expert_gating_func` of a softmax over all experts. Source: llama.cpp's `enum llama_expert_gating_func_type`.
const SOFTMAX: u32 = 1;

/// Limits up to this one are none, as in llama.cpp.
const NO_LIMIT: f32 = 1e-6;

impl Keys<'_> {
    /// How many experts a block has, and how many of them a token goes to.
    pub(super) fn experts(&self) -> Result<ExpertCounts, ConfigError> {
        if !self.architecture.graph().experts {
            return Ok(ExpertCounts::NONE);
        }
        let (count, used) = (self.count(COUNT)?, self.count(USED)?);
        if count > Dims::MAX {
            return Err(self.value(COUNT, count, format!("at most {}", Dims::MAX)));
        }
        if used > count {
            return Err(self.value(USED, used, format!("at most {count}, the number of experts")));
        }
        self.refuse_other_routing()?;
        Ok(ExpertCounts { count, used })
    }

    /// Ways to choose and to add up experts that other graphs have.
    fn refuse_other_routing(&self) -> Result<(), ConfigError> {
        let metadata = self.file.metadata();
        for (suffix, usual) in [("expert_shared_count", 0), ("expert_group_count", 1), ("expert_gating_func", SOFTMAX)]
        {
            let found = metadata.opt_u32(&self.key(suffix))?;
            if let Some(found) = found.filter(|found| *found != usual && *found != 0) {
                return Err(self.unsupported(suffix, found));
            }
        }
        const NORM: &str = "expert_weights_norm";
        if metadata.opt_bool(&self.key(NORM))? == Some(false) {
            return Err(self.unsupported(NORM, false));
        }
        const SCALE: &str = "expert_weights_scale";
        match metadata.opt_f32(&self.key(SCALE))?.filter(|scale| *scale != 0.0 && *scale != 1.0) {
            Some(found) => Err(self.unsupported(SCALE, found)),
            None => Ok(()),
        }
    }

    /// Of each block the limit of its gates: one number, or one for each block.
    pub(super) fn gate_limits(&self, blocks: usize) -> Result<Vec<f32>, ConfigError> {
        if !self.architecture.graph().experts {
            return Ok(Vec::new());
        }
        let (metadata, key) = (self.file.metadata(), self.key(LIMITS));
        let limits = match metadata.get(&key) {
            Some(Value::Array(Array::F32(limits))) if limits.len() == blocks => limits.clone(),
            Some(Value::Array(limits)) => {
                let found = format!("a list of {} x {}", limits.len(), limits.element_type().name());
                return Err(self.value(LIMITS, found, format!("one f32 for each of {blocks} blocks")));
            }
            _ => vec![metadata.f32(&key)?; blocks],
        };
        match limits.iter().find(|limit| !limit.is_finite() || **limit < 0.0) {
            Some(found) => Err(self.value(LIMITS, found, "numbers that are not negative; 0 is no limit")),
            None => Ok(limits),
        }
    }
}

impl Config {
    /// What the gates of the experts of a block do not exceed, and what they multiply neither; `None` is no limit.
    pub fn gate_limit(&self, block: usize) -> Option<f32> {
        self.gate_limits.get(block).copied().filter(|limit| *limit > NO_LIMIT)
    }

    /// The keys of experts.
    pub(super) fn expert_keys(&self) -> Vec<(&'static str, Value)> {
        if !self.graph().experts {
            return Vec::new();
        }
        let (of, count) = (self.dims.experts, |n: usize| Value::U32(n as u32));
        vec![
            (COUNT, count(of.count)),
            (USED, count(of.used)),
            (WIDTH, count(self.dims.ffn)),
            (LIMITS, Value::Array(Array::F32(self.gate_limits.clone()))),
        ]
    }
}
