//! Entries of `config.json` that say which blocks attend within a window.
//!
//! What belongs here: reading these entries, and what of their neighbours is not computed. What does not: what the
//! numbers mean ([`Sliding`]).
//!
//! Source: `Gemma3TextConfig` of HF transformers' `configuration_gemma3.py`; `MapleAttention` of DeepGrove's
//! `mlx_lm/models/maple.py`.

use super::{KINDS, Reader, SLIDING, rope_object};
use crate::description::{ConfigError, Graph, RopeConfig, Sliding, SlidingOrder};
use serde_json::Value;
use std::num::NonZeroUsize;

const WINDOW: &str = "sliding_window";
const CAPS: [&str; 2] = ["attn_logit_softcapping", "final_logit_softcapping"];

/// Spellings of the interval of blocks that see all positions.
const INTERVALS: [&str; 2] = ["sliding_window_pattern", "_sliding_window_pattern"];

impl Reader<'_> {
    /// The window of a model of this many blocks, where a block has it. `rope` is how blocks rotate that see all
    /// positions, or where none of these does, how the others do.
    pub(super) fn sliding(
        &self,
        graph: &Graph,
        blocks: usize,
        rope: &RopeConfig,
    ) -> Result<Option<Sliding>, ConfigError> {
        let Reader(object) = self;
        if graph.global_unrotated {
            let missing = || self.value(KINDS, "missing", format!("one kind for each of {blocks} blocks"));
            let order = SlidingOrder::Listed(self.listed(SLIDING, blocks)?.ok_or_else(missing)?);
            let window = NonZeroUsize::new(object.count(WINDOW)?).unwrap_or(NonZeroUsize::MIN);
            return Ok(Some(Sliding { window, order, base: rope.base }));
        }
        let head_dim = rope.rotated;
        for key in CAPS {
            if let Some(found) = object.get(key) {
                return Err(self.unsupported(key, found));
            }
        }
        if object.opt_bool("use_bidirectional_attention")? == Some(true) {
            return Err(self.unsupported("use_bidirectional_attention", &Value::Bool(true)));
        }
        let scale = object.opt_positive("query_pre_attn_scalar")?.unwrap_or(256.0);
        if scale != head_dim as f32 {
            let expected = format!("{head_dim}, the width of a head: queries are divided by its root");
            return Err(self.value("query_pre_attn_scalar", scale, expected));
        }
        let order = self.sliding_order(blocks)?;
        let window = object.opt_count(WINDOW)?.and_then(NonZeroUsize::new);
        let sliding = Sliding { window: window.unwrap_or(NonZeroUsize::MIN), order, base: self.local_base()? };
        match (window, (0..blocks).any(|block| sliding.slides(block))) {
            (Some(_), true) => Ok(Some(sliding)),
            (_, false) => Ok(None),
            (None, true) => Err(self.value(WINDOW, "missing", "the positions that sliding layers see".to_owned())),
        }
    }

    fn sliding_order(&self, blocks: usize) -> Result<SlidingOrder, ConfigError> {
        let Reader(object) = self;
        if let Some(slides) = self.listed(SLIDING, blocks)? {
            return Ok(SlidingOrder::Listed(slides));
        }
        let mut given = INTERVALS.into_iter().filter_map(|key| object.opt_count(key).transpose());
        let interval = given.next().transpose()?.and_then(NonZeroUsize::new);
        Ok(SlidingOrder::GlobalEvery(interval.unwrap_or(Sliding::USUAL_INTERVAL)))
    }

    /// The base of RoPE in blocks with a window, whose frequencies are not scaled.
    fn local_base(&self) -> Result<f32, ConfigError> {
        let Reader(object) = self;
        let local = match rope_object(object)? {
            Some(parameters) => parameters.opt_object("sliding_attention")?,
            None => None,
        };
        let base = match &local {
            Some(local) => {
                if let Some(kind) = local.opt_text("rope_type")?.filter(|kind| *kind != "default") {
                    return Err(Reader(local).unsupported("rope_type", &Value::from(kind)));
                }
                local.opt_positive("rope_theta")?
            }
            None => object.opt_positive("rope_local_base_freq")?,
        };
        match base.unwrap_or(Sliding::USUAL_BASE) {
            base if base >= 1.0 => Ok(base),
            base => Err(self.value("rope_local_base_freq", base, "at least 1".to_owned())),
        }
    }
}
