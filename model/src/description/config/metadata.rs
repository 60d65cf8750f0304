//! A configuration as the metadata of a GGUF file: what [`Config::from_gguf`] reads, written.

use super::Config;
use super::{LAST, MEAN, scales, sliding};
use crate::description::{LongRope, MixerOrder, RopeScaling, ScaledBy, Yarn};
use trine_loader::{Array, Value};
use trine_ops::Pooling;
use trine_shapes::Dims;

impl Config {
    /// The keys of a GGUF file that [`Config::from_gguf`] reads this configuration from. The number of tokens is that
    /// of `tokenizer.ggml.tokens`, which belongs to the tokenizer. Of RoPE scaling, `linear`, `yarn`
    /// and `longrope` have keys; divisors of Llama 3 and of LongRoPE are tensors.
    pub fn to_metadata(&self) -> Vec<(String, Value)> {
        let Dims { vocab, hidden, ffn, kv_heads, group, head_dim, .. } = self.dims;
        let count = |n: usize| Value::U32(n as u32);
        let mut of_architecture = vec![
            ("block_count", count(self.dims.blocks())),
            ("context_length", count(self.context)),
            ("embedding_length", count(hidden)),
            ("feed_forward_length", count(ffn)),
            ("attention.head_count", count(kv_heads * group)),
            ("attention.head_count_kv", count(kv_heads)),
            ("attention.key_length", count(head_dim)),
            ("attention.value_length", count(head_dim)),
            ("attention.layer_norm_rms_epsilon", Value::F32(self.rms_epsilon)),
            ("rope.freq_base", Value::F32(self.rope.base)),
            ("rope.dimension_count", count(self.rope.rotated)),
            ("vocab_size", count(vocab)),
        ];
        of_architecture.extend(scaling(&self.rope.scaling));
        of_architecture.extend(self.hybrid());
        of_architecture.extend(self.expert_keys());
        if self.graph().scales == ScaledBy::Numbers {
            let of = self.scales;
            let numbers = scales::KEYS.into_iter().zip([of.embedding, of.residual, of.logits]);
            of_architecture.extend(numbers.map(|(key, number)| (key, Value::F32(number))));
        }
        of_architecture.extend(self.sliding.iter().flat_map(sliding::keys));
        of_architecture.extend(self.pooling.map(|pooling| {
            let number = match pooling {
                Pooling::Mean => MEAN,
                Pooling::Last => LAST,
            };
            ("pooling_type", Value::U32(number))
        }));
        let name = self.architecture.name();
        let mut metadata = vec![("general.architecture".to_owned(), Value::from(name))];
        metadata.extend(self.name.iter().map(|name| ("general.name".to_owned(), Value::from(name.as_str()))));
        metadata.extend(of_architecture.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
        metadata
    }
}

impl Config {
    /// The keys of blocks with the delta rule. Blocks that guess tokens are not written.
    fn hybrid(&self) -> Vec<(&'static str, Value)> {
        let (of, count) = (self.dims.recurrent, |n: usize| Value::U32(n as u32));
        if !self.graph().hybrid {
            return Vec::new();
        }
        // Every third pair turns by one of the three positions of an image, which are one position in text.
        let pairs = self.rope.rotated / 2;
        let sections = [pairs.div_ceil(3), (pairs + 1) / 3, pairs / 3, 0].map(|pairs| pairs as i32);
        let mut keys = vec![
            ("rope.dimension_sections", Value::Array(Array::I32(sections.to_vec()))),
            ("ssm.conv_kernel", count(of.taps)),
            ("ssm.state_size", count(of.key_dim)),
            ("ssm.group_count", count(of.key_heads)),
            ("ssm.time_step_rank", count(of.value_heads)),
            ("ssm.inner_size", count(of.value_heads * of.value_dim)),
        ];
        keys.push(match &self.layers.order {
            MixerOrder::Attention => ("full_attention_interval", count(1)),
            MixerOrder::AttentionEvery(interval) => ("full_attention_interval", count(*interval)),
            MixerOrder::Listed(listed) => ("attention.recurrent_layers", Value::Array(Array::Bool(listed.clone()))),
        });
        keys
    }
}

/// The keys of a scaling; those that have their usual values are left out.
fn scaling(scaling: &RopeScaling) -> Vec<(&'static str, Value)> {
    match *scaling {
        RopeScaling::None | RopeScaling::Llama3 { .. } => Vec::new(),
        RopeScaling::Linear { factor } => {
            vec![("rope.scaling.type", "linear".into()), ("rope.scaling.factor", Value::F32(factor))]
        }
        RopeScaling::Yarn(Yarn { factor, original_context, attention_factor, beta_fast, beta_slow }) => {
            let unusual = [
                ("rope.scaling.attn_factor", attention_factor, 1.0),
                ("rope.scaling.yarn_beta_fast", beta_fast, Yarn::BETA_FAST),
                ("rope.scaling.yarn_beta_slow", beta_slow, Yarn::BETA_SLOW),
            ];
            let unusual = unusual.into_iter().filter(|(_, found, usual)| found != usual);
            let mut keys = vec![
                ("rope.scaling.type", "yarn".into()),
                ("rope.scaling.factor", Value::F32(factor)),
                ("rope.scaling.original_context_length", Value::U32(original_context as u32)),
            ];
            keys.extend(unusual.map(|(key, found, _)| (key, Value::F32(found))));
            keys
        }
        RopeScaling::LongRope(LongRope { original_context, multiplier }) => vec![
            ("rope.scaling.type", "longrope".into()),
            ("rope.scaling.original_context_length", Value::U32(original_context as u32)),
            ("rope.scaling.attn_factor", Value::F32(multiplier)),
        ],
    }
}
