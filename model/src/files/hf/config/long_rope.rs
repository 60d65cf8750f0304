//! LongRoPE in a `config.json`: two lists of divisors, which GGUF files have as tensors.
//!
//! What belongs here: reading these entries. What does not: which list a model uses
//! ([`LongRope`]).
//!
//! Source: `_compute_longrope_parameters` of HF transformers' `modeling_rope_utils.py`; `MiniCPMLongRoPE` of OpenBMB's
//! `modeling_minicpm.py`.

use super::Reader;
use crate::description::{ConfigError, LongRope, RopeFactors, RopeScaling};
use serde_json::Value;
use trine_loader::json::{Object, shown};

const ORIGINAL_CONTEXT: &str = "original_max_position_embeddings";

impl Reader<'_> {
    /// The scaling of `rope_parameters` or `rope_scaling`, for a model with this context.
    pub(super) fn long_rope(&self, context: usize) -> Result<RopeScaling, ConfigError> {
        let Reader(object) = self;
        let original_context = object.opt_count(ORIGINAL_CONTEXT)?.unwrap_or(context);
        for factors in [RopeFactors::Short, RopeFactors::Long] {
            self.factors(factors)?;
        }
        let longer = object.opt_positive("factor")?.map_or(context as f64 / original_context as f64, f64::from);
        let usual = LongRope::usual_multiplier(longer, original_context);
        let multiplier = object.opt_positive("attention_factor")?.unwrap_or(usual);
        Ok(RopeScaling::LongRope(LongRope { original_context, multiplier }))
    }

    fn factors(&self, of: RopeFactors) -> Result<Vec<f32>, ConfigError> {
        let Reader(object) = self;
        let key = match of {
            RopeFactors::Short => "short_factor",
            RopeFactors::Long => "long_factor",
        };
        let numbers = object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let factors: Option<Vec<f32>> = numbers.iter().map(|number| Some(number.as_f64()? as f32)).collect();
        match factors.filter(|factors| !factors.is_empty() && factors.iter().all(|factor| *factor > 0.0)) {
            Some(factors) => Ok(factors),
            None => {
                let expected = "a list of positive numbers, one for each pair that RoPE rotates";
                let found = object.get(key).map_or_else(|| "missing".to_owned(), shown);
                Err(self.value(key, found, expected.to_owned()))
            }
        }
    }
}

/// The two lists of a configuration with LongRoPE.
pub(in super::super) fn rope_factors(object: &Object) -> Vec<(RopeFactors, Vec<f32>)> {
    let parameters = super::rope_object(object).ok().flatten();
    let of = |factors| Some((factors, Reader(parameters.as_ref()?).factors(factors).ok()?));
    [RopeFactors::Short, RopeFactors::Long].into_iter().filter_map(of).collect()
}
