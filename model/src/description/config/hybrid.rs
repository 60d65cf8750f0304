//! The keys of a GGUF file that say which blocks have the delta rule, and how wide it is.
//!
//! What belongs here: reading these keys, and what contradicts itself in them. What does not: what the numbers mean
//! ([`Recurrent`], [`Layers`]).

use super::Keys;
use crate::description::{ConfigError, Layers, MixerKind, MixerOrder};
use trine_loader::{Array, Value};
use trine_ops::HeadOrder;
use trine_shapes::Recurrent;

const LISTED: &str = "attention.recurrent_layers";
const INTERVAL: &str = "full_attention_interval";
const SECTIONS: &str = "rope.dimension_sections";
const SKIPPED: &str = "nextn_predict_layers";

/// Every so-manieth block has attention where no key says it.
const USUAL_INTERVAL: usize = 4;

impl Keys<'_> {
    /// Of `blocks` blocks, those that guess tokens among them: how many have attention, the lengths of the others, and
    /// which is which.
    pub(super) fn mixers(&self, blocks: usize) -> Result<(usize, Recurrent, Layers), ConfigError> {
        if !self.architecture.graph().hybrid {
            return Ok((blocks, Recurrent::NONE, Layers::ATTENTION));
        }
        let skipped = self.number(SKIPPED)?.unwrap_or(0) as usize;
        if skipped >= blocks {
            return Err(self.value(SKIPPED, skipped, format!("less than {blocks}, the number of blocks")));
        }
        let trunk = blocks - skipped;
        let order = self.order(trunk, blocks)?;
        let layers = Layers { order, heads: HeadOrder::Tiled, skipped };
        let (of_attention, of_rule) =
            (layers.count(trunk, MixerKind::Attention), layers.count(trunk, MixerKind::Recurrent));
        if of_attention == 0 {
            let (key, found) = match layers.order {
                MixerOrder::Listed(_) => (LISTED, "true for each of them".to_owned()),
                _ => (INTERVAL, format!("more than the {trunk} blocks")),
            };
            return Err(self.value(key, found, "a block with attention"));
        }
        Ok((of_attention, if of_rule == 0 { Recurrent::NONE } else { self.recurrent(of_rule)? }, layers))
    }

    /// Refuses sections of RoPE of which one is of a fourth position, which has no meaning for text: other programs do
    /// not turn its pairs.
    ///
    /// Pair `i` is of the section `i mod 3` as long as that one has pairs left, and else of the fourth.
    pub(super) fn check_sections(&self, rotated: usize) -> Result<(), ConfigError> {
        let found = match self.file.metadata().get(&self.key(SECTIONS)) {
            None => return Ok(()),
            Some(Value::Array(Array::I32(sections))) => sections.iter().map(|n| i64::from(*n)).collect(),
            Some(Value::Array(Array::U32(sections))) => sections.iter().map(|n| i64::from(*n)).collect(),
            Some(_) => Vec::new(),
        };
        let all: i64 = found.iter().fold(0, |sum, pairs| sum.saturating_add(*pairs));
        let is_of_text = |pair: i64| {
            let place = pair % all;
            place < found[place as usize % 3].saturating_mul(3)
        };
        let is_sound = (3..=4).contains(&found.len()) && found.iter().all(|pairs| *pairs >= 0) && all > 0;
        match is_sound && (0..rotated as i64 / 2).all(is_of_text) {
            true => Ok(()),
            false => Err(self.value(SECTIONS, format!("{found:?}"), "sections of which every third pair is one's")),
        }
    }

    fn order(&self, trunk: usize, blocks: usize) -> Result<MixerOrder, ConfigError> {
        match self.file.metadata().get(&self.key(LISTED)) {
            None => match self.count_or(INTERVAL, USUAL_INTERVAL)? {
                1 => Ok(MixerOrder::Attention),
                interval => Ok(MixerOrder::AttentionEvery(interval)),
            },
            Some(Value::Array(Array::Bool(listed))) if listed.len() == trunk || listed.len() == blocks => {
                Ok(MixerOrder::Listed(listed[..trunk].to_vec()))
            }
            Some(Value::Array(Array::Bool(listed))) => {
                let found = format!("a list of {}", listed.len());
                Err(self.value(LISTED, found, format!("one entry for each of {blocks} blocks")))
            }
            Some(_) => Err(self.value(LISTED, "no list of truths", "one truth for each block")),
        }
    }

    fn recurrent(&self, layers: usize) -> Result<Recurrent, ConfigError> {
        let (key_heads, value_heads) = (self.count("ssm.group_count")?, self.count("ssm.time_step_rank")?);
        let (width, inner) = (self.count("ssm.state_size")?, self.count("ssm.inner_size")?);
        if Some(inner) != value_heads.checked_mul(width) {
            let expected = format!("{value_heads} heads (`ssm.time_step_rank`) of {width} (`ssm.state_size`)");
            return Err(self.value("ssm.inner_size", inner, expected));
        }
        let taps = self.count("ssm.conv_kernel")?;
        Ok(Recurrent { layers, key_heads, value_heads, key_dim: width, value_dim: width, taps })
    }
}
