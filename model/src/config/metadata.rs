//! A configuration as the metadata of a GGUF file: what [`Config::from_gguf`] reads, written.

use super::Config;
use crate::rope::RopeScaling;
use trine_loader::Value;
use trine_shapes::Dims;

impl Config {
    /// The keys of a GGUF file that [`Config::from_gguf`] reads this configuration from. The number of tokens is that
    /// of `tokenizer.ggml.tokens`, which belongs to the tokenizer. Of RoPE scaling, linear factors have keys; other
    /// divisors are the tensor `rope_freqs.weight`.
    pub fn to_metadata(&self) -> Vec<(String, Value)> {
        let Dims { vocab, hidden, ffn, kv_heads, group, head_dim } = self.dims;
        let count = |n: usize| Value::U32(n as u32);
        let mut of_architecture = vec![
            ("block_count", count(self.layers)),
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
        if let RopeScaling::Linear { factor } = self.rope.scaling {
            let scaling = [("rope.scaling.type", "linear".into()), ("rope.scaling.factor", Value::F32(factor))];
            of_architecture.extend(scaling);
        }
        let name = self.architecture.name();
        let mut metadata = vec![("general.architecture".to_owned(), Value::from(name))];
        metadata.extend(self.name.iter().map(|name| ("general.name".to_owned(), Value::from(name.as_str()))));
        metadata.extend(of_architecture.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
        metadata
    }
}
