//! Entries of `config.json` that say how many experts a block has, and what of their neighbours is not computed.
//!
//! What belongs here: reading these entries. What does not: what the numbers mean ([`ExpertCounts`]).
//!
//! Source: `ModelArgs`, `MapleGate` and `clamped_swiglu` of DeepGrove's `mlx_lm/models/maple.py`; `MapleModel` of
//! llama.cpp's converter.

use super::Reader;
use crate::description::{ConfigError, Graph};
use serde_json::{Value, json};
use trine_shapes::{Dims, ExpertCounts};

pub(in super::super) const COUNT: &str = "num_experts";
const USED: &str = "num_experts_per_tok";

/// The limit of gates, which Maple's code has in place of an entry.
const LIMIT: f32 = 7.0;

impl Reader<'_> {
    /// How many experts a block has, and how many of them a token goes to.
    pub(super) fn experts(&self, graph: &Graph) -> Result<ExpertCounts, ConfigError> {
        let Reader(object) = self;
        for (key, usual) in usual(graph) {
            if let Some(found) = object.get(key).filter(|found| **found != usual) {
                return Err(self.unsupported(key, found));
            }
        }
        if !graph.experts {
            // One expert for all tokens is a network without experts.
            return match object.get(COUNT).filter(|found| found.as_u64().is_none_or(|count| count > 1)) {
                Some(found) => Err(self.unsupported(COUNT, found)),
                None => Ok(ExpertCounts::NONE),
            };
        }
        let (count, used) = (object.count(COUNT)?, object.count(USED)?);
        if count > Dims::MAX {
            return Err(self.value(COUNT, count, format!("at most {}", Dims::MAX)));
        }
        if used > count {
            return Err(self.value(USED, used, format!("at most {count}, the number of experts")));
        }
        Ok(ExpertCounts { count, used })
    }

    /// The width of a feed-forward network, or of each expert.
    pub(super) fn ffn(&self, graph: &Graph) -> Result<usize, ConfigError> {
        let Reader(object) = self;
        Ok(object.count(if graph.experts { "moe_intermediate_size" } else { "intermediate_size" })?)
    }
}

/// Of each block the limit of the gates of its experts.
pub(super) fn gate_limits(graph: &Graph, blocks: usize) -> Vec<f32> {
    if graph.experts { vec![LIMIT; blocks] } else { Vec::new() }
}

/// Entries of which only one value is computed, and this value.
fn usual(graph: &Graph) -> [(&'static str, Value); 9] {
    [
        ("first_k_dense_replace", json!(0)),
        ("moe_router_enable_expert_bias", json!(false)),
        ("nope_on_global_attention", json!(graph.global_unrotated)),
        ("norm_topk_prob", json!(true)),
        ("num_shared_experts", json!(0)),
        ("router_dtype", json!("fp32")),
        ("use_bias", json!(false)),
        ("use_qk_norm", json!(graph.qk_norm.is_some())),
        ("use_rmsnorm", json!(true)),
    ]
}
