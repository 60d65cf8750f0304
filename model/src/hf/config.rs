//! `config.json` as a [`Config`]. What changes the arithmetic in a way that Trine does not implement is refused by
//! name.

use crate::architecture::Architecture;
use crate::config::{Config, ConfigError, MAX_CONTEXT};
use crate::rope::{RopeConfig, RopeScaling};
use serde_json::Value;
use trine_kernels::RopePairing;
use trine_loader::json::{Object, shown};
use trine_shapes::Dims;

/// Classes of HF transformers with their `hidden_act` and the architecture that computes the same. `BitnetForCausalLM`
/// is 1bitLLM's own code.
const CLASSES: [(&str, &str, Architecture); 4] = [
    ("LlamaForCausalLM", "silu", Architecture::Llama),
    ("BitNetForCausalLM", "relu2", Architecture::BitnetB158),
    ("BitNetForCausalLM", "silu", Architecture::Bitnet),
    ("BitnetForCausalLM", "silu", Architecture::Bitnet),
];

const CLASS_NAMES: &str = "`LlamaForCausalLM`, `BitNetForCausalLM` and `BitnetForCausalLM`";

/// Keys that would add to the arithmetic where they are true, and whether they do in architectures with biases too.
const FLAGS: [(&str, bool); 3] = [("attention_bias", false), ("mlp_bias", false), ("use_sliding_window", true)];

/// Reads a configuration; `layers_found` is the number of blocks that have tensors.
pub(super) fn read(object: &Object, layers_found: usize) -> Result<Config, ConfigError> {
    let reader = Reader(object);
    let architecture = reader.architecture()?;
    reader.refuse_other_arithmetic(architecture)?;
    let (hidden, heads) = (object.count("hidden_size")?, object.count("num_attention_heads")?);
    let kv_heads = object.opt_count("num_key_value_heads")?.unwrap_or(heads);
    let head_dim = object.opt_count("head_dim")?.unwrap_or(hidden / heads);
    let (vocab, ffn) = (object.count("vocab_size")?, object.count("intermediate_size")?);
    let dims = Dims::new(vocab, hidden, ffn, heads, kv_heads, head_dim)
        .map_err(|source| ConfigError::Dims { file: object.file().to_string(), source: Box::new(source) })?;
    let layers = object.count("num_hidden_layers")?;
    if layers != layers_found {
        let expected = format!("{layers_found}, the number of blocks that have tensors");
        return Err(reader.value("num_hidden_layers", layers, expected));
    }
    let context = object.count("max_position_embeddings")?;
    if context > MAX_CONTEXT {
        return Err(reader.value("max_position_embeddings", context, format!("at most {MAX_CONTEXT}")));
    }
    Ok(Config {
        architecture,
        name: object.opt_text("_name_or_path")?.filter(|name| !name.is_empty()).map(str::to_owned),
        layers,
        context,
        dims,
        rms_epsilon: object.positive("rms_norm_eps")?,
        rope: reader.rope(architecture, head_dim)?,
    })
}

struct Reader<'o>(&'o Object);

impl Reader<'_> {
    fn value(&self, key: &str, found: impl ToString, expected: String) -> ConfigError {
        let Reader(object) = self;
        ConfigError::Value { file: object.file().to_string(), key: object.key(key), found: found.to_string(), expected }
    }

    fn unsupported(&self, key: &str, found: &Value) -> ConfigError {
        let Reader(object) = self;
        ConfigError::Unsupported { file: object.file().to_string(), key: object.key(key), found: shown(found) }
    }

    fn architecture(&self) -> Result<Architecture, ConfigError> {
        let Reader(object) = self;
        let classes = object.opt_texts("architectures")?.unwrap_or_default();
        let [class] = classes[..] else {
            return Err(self.value("architectures", format!("{classes:?}"), format!("one of {CLASS_NAMES}")));
        };
        let activation = object.opt_text("hidden_act")?.unwrap_or_default();
        let of_class: Vec<_> = CLASSES.iter().filter(|row| row.0 == class).collect();
        match of_class.iter().find(|row| row.1 == activation) {
            Some(row) => Ok(row.2),
            None if of_class.is_empty() => {
                Err(self.value("architectures", format!("`{class}`"), format!("one of {CLASS_NAMES}")))
            }
            None => {
                let expected: Vec<_> = of_class.iter().map(|row| format!("`{}`", row.1)).collect();
                Err(self.value("hidden_act", format!("{activation:?}"), expected.join(" or ")))
            }
        }
    }

    fn refuse_other_arithmetic(&self, architecture: Architecture) -> Result<(), ConfigError> {
        let Reader(object) = self;
        for (key, always) in FLAGS {
            if object.opt_bool(key)? == Some(true) && (always || !architecture.has_biases()) {
                return Err(self.unsupported(key, &Value::Bool(true)));
            }
        }
        match object.get("sliding_window") {
            Some(found) => Err(self.unsupported("sliding_window", found)),
            None => Ok(()),
        }
    }

    /// `rope_parameters`, or `rope_theta` and `rope_scaling` as versions of transformers before the fifth have them.
    fn rope(&self, architecture: Architecture, head_dim: usize) -> Result<RopeConfig, ConfigError> {
        let Reader(object) = self;
        let parameters = match object.opt_object("rope_parameters")? {
            Some(parameters) => Some(parameters),
            None => object.opt_object("rope_scaling")?,
        };
        let inner = parameters.as_ref().map(|parameters| parameters.opt_positive("rope_theta")).transpose()?.flatten();
        let base = match inner {
            Some(base) => base,
            // The first Llama models do not say it.
            None if architecture == Architecture::Llama => object.opt_positive("rope_theta")?.unwrap_or(10_000.0),
            None => object.positive("rope_theta")?,
        };
        let scaling = parameters.as_ref().map_or(Ok(RopeScaling::None), |object| Reader(object).scaling())?;
        for object in [Some(*object), parameters.as_ref()].into_iter().flatten() {
            if let Some(found) = object.get("partial_rotary_factor").filter(|found| found.as_f64() != Some(1.0)) {
                return Err(Reader(object).unsupported("partial_rotary_factor", found));
            }
        }
        Ok(RopeConfig { base, rotated: head_dim, scaling, pairing: RopePairing::NeoX })
    }

    /// The scaling of `rope_parameters` or `rope_scaling`.
    fn scaling(&self) -> Result<RopeScaling, ConfigError> {
        let Reader(object) = self;
        let key = if object.get("rope_type").is_some() { "rope_type" } else { "type" };
        match object.opt_text(key)?.unwrap_or("default") {
            "default" => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor: object.positive("factor")? }),
            "llama3" => {
                let (low, high) = (object.positive("low_freq_factor")?, object.positive("high_freq_factor")?);
                if low >= high {
                    return Err(self.value("low_freq_factor", low, format!("less than {high}, the high_freq_factor")));
                }
                let context = object.count("original_max_position_embeddings")? as f32;
                Ok(RopeScaling::Llama3 { factor: object.positive("factor")?, low, high, context })
            }
            other => Err(self.value(key, format!("`{other}`"), "`default`, `linear` or `llama3`".to_owned())),
        }
    }
}
