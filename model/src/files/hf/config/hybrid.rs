//! Entries of `config.json` that say which blocks have the delta rule, how wide it is, and which part of a head
//! rotates.
//!
//! What belongs here: reading these entries. What does not: what the numbers mean ([`Recurrent`], [`Layers`]).

use super::{KINDS, Reader};
use crate::description::{Architecture, ConfigError, Graph, Layers, MixerKind, MixerOrder};
use serde_json::Value;
use trine_loader::json::Object;
use trine_ops::HeadOrder;
use trine_shapes::Recurrent;

const INTERVAL: &str = "full_attention_interval";
const ROTARY: &str = "partial_rotary_factor";

/// What HF transformers makes up where it is missing.
const USUAL_INTERVAL: usize = 4;
const USUAL_ROTARY: f64 = 0.25;

impl Reader<'_> {
    /// How many of the blocks have attention, the lengths of the others, and which is which.
    pub(super) fn mixers(
        &self,
        architecture: Architecture,
        blocks: usize,
    ) -> Result<(usize, Recurrent, Layers), ConfigError> {
        let Reader(object) = self;
        if !architecture.graph().hybrid {
            return Ok((blocks, Recurrent::NONE, Layers::ATTENTION));
        }
        if object.opt_bool("attn_output_gate")? == Some(false) {
            return Err(self.unsupported("attn_output_gate", &Value::Bool(false)));
        }
        let order = self.order(blocks)?;
        let layers = Layers { order, heads: HeadOrder::Grouped, skipped: 0 };
        let (of_attention, of_rule) =
            (layers.count(blocks, MixerKind::Attention), layers.count(blocks, MixerKind::Recurrent));
        if of_attention == 0 {
            return Err(self.value(KINDS, "no `full_attention`", "a block with attention".to_owned()));
        }
        let recurrent = match of_rule {
            0 => Recurrent::NONE,
            layers => Recurrent {
                layers,
                key_heads: object.count("linear_num_key_heads")?,
                value_heads: object.count("linear_num_value_heads")?,
                key_dim: object.count("linear_key_head_dim")?,
                value_dim: object.count("linear_value_head_dim")?,
                taps: object.count("linear_conv_kernel_dim")?,
            },
        };
        Ok((of_attention, recurrent, layers))
    }

    fn order(&self, blocks: usize) -> Result<MixerOrder, ConfigError> {
        let Reader(object) = self;
        if let Some(recurrent) = self.listed("linear_attention", blocks)? {
            return Ok(MixerOrder::Listed(recurrent));
        }
        Ok(match object.opt_count(INTERVAL)?.unwrap_or(USUAL_INTERVAL) {
            1 => MixerOrder::Attention,
            interval => MixerOrder::AttentionEvery(interval),
        })
    }

    /// How many elements of a head rotate. Where programs make up different parts for an entry that is missing, it must
    /// be there.
    pub(super) fn rotated(
        &self,
        graph: &Graph,
        parameters: Option<&Object>,
        head_dim: usize,
    ) -> Result<usize, ConfigError> {
        let Reader(object) = self;
        let found = parameters.and_then(|inner| inner.get(ROTARY)).or_else(|| object.get(ROTARY));
        let factor = found.map_or(Some(USUAL_ROTARY).filter(|_| graph.hybrid), Value::as_f64);
        let rotated = factor.map_or(0, |factor| (head_dim as f64 * factor) as usize);
        match factor {
            Some(factor) if factor <= 1.0 && rotated > 0 && rotated.is_multiple_of(2) => Ok(rotated),
            _ => {
                let shown = match (found, graph.hybrid) {
                    (Some(found), _) => found.to_string(),
                    (None, true) => USUAL_ROTARY.to_string(),
                    (None, false) => "missing".to_owned(),
                };
                let expected = format!("a part of a head of {head_dim} that is an even number of elements");
                Err(self.value(ROTARY, shown, expected))
            }
        }
    }
}
