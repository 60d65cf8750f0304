//! A configuration as the metadata of a GGUF file: what [`Config::from_gguf`] reads, written.

use super::Config;
use crate::description::{RopeScaling, Yarn};
use trine_loader::Value;
use trine_shapes::Dims;

impl Config {
    /// The keys of a GGUF file that [`Config::from_gguf`] reads this configuration from. The number of tokens is that
    /// of `tokenizer.ggml.tokens`, which belongs to the tokenizer. Of RoPE scaling, `linear` and `yarn` have
    /// keys; the divisors of Llama 3 are the tensor `rope_freqs.weight`.
    pub fn to_metadata(&self) -> Vec<(String, Value)> {
        let Dims { vocab, hidden, ffn, kv_heads, group, head_dim, attention_layers: _ } = self.dims;
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
        let name = self.architecture.name();
        let mut metadata = vec![("general.architecture".to_owned(), Value::from(name))];
        metadata.extend(self.name.iter().map(|name| ("general.name".to_owned(), Value::from(name.as_str()))));
        metadata.extend(of_architecture.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
        metadata
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
    }
}
