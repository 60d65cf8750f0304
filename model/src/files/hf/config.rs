//! `config.json` as a [`Config`]. What changes the arithmetic in a way that Trine does not implement is refused by
//! name.

mod experts;
mod hybrid;
mod long_rope;
mod scales;
mod sliding;
#[cfg(test)]
mod tests;

use crate::description::{
    Architecture, Biases, Config, ConfigError, ConfigProblem, MAX_CONTEXT, RopeConfig, RopeScaling, Yarn, with_alpha,
};
use serde_json::Value;
use std::collections::BTreeSet;
use trine_kernels::GateActivation;
use trine_loader::json::{Object, shown};
use trine_shapes::RopePairing;
use trine_shapes::{Dims, Sizes};

/// The kind of each block, and the kind that sees all positions.
const KINDS: &str = "layer_types";
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

/// Keys that say which matrices have biases; of a graph whose biases are given no class of transformers reads them.
const BIASES: [&str; 2] = ["attention_bias", "mlp_bias"];

/// Numbers of YaRN for multipliers of DeepSeek's.
const OTHER_YARN: [&str; 2] = ["mscale", "mscale_all_dim"];

pub(super) use experts::COUNT as EXPERTS;
pub(super) use long_rope::rope_factors;

/// The architecture of a configuration, where it has one.
pub(super) fn architecture(object: &Object) -> Option<Architecture> {
    Reader(object).architecture().ok()
}

/// Reads a configuration; `layers_found` is the number of blocks that have tensors, `input_norms` whether matrices have
/// norms of their own.
pub(super) fn read(object: &Object, layers_found: usize, input_norms: bool) -> Result<Config, ConfigError> {
    let reader = Reader(object);
    let architecture = reader.architecture()?;
    reader.refuse_other_arithmetic(architecture)?;
    let (hidden, heads) = (object.count("hidden_size")?, object.count("num_attention_heads")?);
    let kv_heads = object.opt_count("num_key_value_heads")?.unwrap_or(heads);
    let head_dim = object.opt_count("head_dim")?.or(architecture.assumed().head_dim).unwrap_or(hidden / heads);
    let graph = architecture.graph();
    let (vocab, ffn, experts) = (object.count("vocab_size")?, reader.ffn(&graph)?, reader.experts(&graph)?);
    let layers = object.count("num_hidden_layers")?;
    if layers != layers_found {
        let expected = format!("{layers_found}, the number of blocks that have tensors");
        return Err(reader.value("num_hidden_layers", layers, expected));
    }
    let (attention_layers, recurrent, layers) = reader.mixers(architecture, layers)?;
    let dims = Dims::new(Sizes { vocab, hidden, ffn, heads, kv_heads, head_dim, attention_layers })
        .and_then(|dims| dims.with_recurrent(recurrent)?.with_experts(experts))
        .map_err(|error| ConfigError::of_file(object.file(), ConfigProblem::Dims(error)))?;
    let context = object.count("max_position_embeddings")?;
    if context > MAX_CONTEXT {
        return Err(reader.value("max_position_embeddings", context, format!("at most {MAX_CONTEXT}")));
    }
    let blocks = dims.blocks();
    let rope = reader.rope(architecture, head_dim, context)?;
    Ok(Config {
        architecture,
        name: object.opt_text("_name_or_path")?.filter(|name| !name.is_empty()).map(str::to_owned),
        context,
        dims,
        rms_epsilon: object.positive("rms_norm_eps")?,
        sliding: match graph.slides {
            true => reader.sliding(&graph, blocks, &rope)?,
            false => None,
        },
        rope,
        scales: reader.scales(architecture, blocks, hidden)?,
        layers,
        gate_limits: experts::gate_limits(&graph, blocks),
        input_norms,
        pooling: None,
        folding: None,
    })
}

struct Reader<'o>(&'o Object);

impl Reader<'_> {
    fn value(&self, key: &str, found: impl ToString, expected: String) -> ConfigError {
        let Reader(object) = self;
        ConfigError::value(object.file(), object.key(key), found, expected)
    }

    fn unsupported(&self, key: &str, found: &Value) -> ConfigError {
        let Reader(object) = self;
        ConfigError::unsupported(object.file(), object.key(key), shown(found))
    }

    fn architecture(&self) -> Result<Architecture, ConfigError> {
        let Reader(object) = self;
        let classes = object.opt_texts("architectures")?.unwrap_or_default();
        let [class] = classes[..] else {
            return Err(self.value("architectures", format!("{classes:?}"), one_of_classes()));
        };
        let of_class = Architecture::ALL.into_iter().filter(|architecture| architecture.classes().contains(&class));
        let of_class: Vec<_> = of_class.map(|found| (hidden_act(found.graph().gate_activation), found)).collect();
        if of_class.is_empty() {
            return Err(self.value("architectures", format!("`{class}`"), one_of_classes()));
        }
        let activation = match object.opt_text("hidden_act")? {
            Some(activation) => activation,
            // Gemma's name for it.
            None => object.opt_text("hidden_activation")?.unwrap_or_default(),
        };
        of_class.iter().find(|(name, _)| *name == activation).map(|(_, found)| *found).ok_or_else(|| {
            let expected: Vec<_> = of_class.iter().map(|(name, _)| format!("`{name}`")).collect();
            self.value("hidden_act", format!("{activation:?}"), expected.join(" or "))
        })
    }

    fn refuse_other_arithmetic(&self, architecture: Architecture) -> Result<(), ConfigError> {
        let Reader(object) = self;
        for key in BIASES {
            if object.opt_bool(key)? == Some(true) && architecture.graph().biases == Biases::None {
                return Err(self.unsupported(key, &Value::Bool(true)));
            }
        }
        if architecture.graph().slides {
            return Ok(());
        }
        let slides = object.opt_bool("use_sliding_window")?;
        if slides == Some(true) {
            return Err(self.unsupported("use_sliding_window", &Value::Bool(true)));
        }
        // Classes that have the switch leave the number where it is when the switch is off.
        if let Some(found) = object.get("sliding_window").filter(|_| slides.is_none()) {
            return Err(self.unsupported("sliding_window", found));
        }
        if architecture.graph().hybrid {
            return Ok(());
        }
        let kinds = object.opt_texts(KINDS)?.unwrap_or_default();
        match kinds.into_iter().find(|kind| *kind != FULL) {
            Some(kind) => Err(self.unsupported(KINDS, &Value::from(kind))),
            None => Ok(()),
        }
    }

    /// For each block whether it is of this kind, where the kinds are listed; the others have full attention.
    fn listed(&self, kind: &str, blocks: usize) -> Result<Option<Vec<bool>>, ConfigError> {
        let Reader(object) = self;
        let Some(kinds) = object.opt_texts(KINDS)? else { return Ok(None) };
        if kinds.len() != blocks {
            let expected = format!("one for each of {blocks} blocks");
            return Err(self.value(KINDS, format!("a list of {}", kinds.len()), expected));
        }
        let is_of_kind = |found: &&str| match *found {
            found if found == kind => Ok(true),
            FULL => Ok(false),
            other => Err(self.unsupported(KINDS, &Value::from(other))),
        };
        kinds.iter().map(is_of_kind).collect::<Result<_, _>>().map(Some)
    }

    /// How RoPE turns heads of this length in a model with this context.
    fn rope(&self, architecture: Architecture, head_dim: usize, context: usize) -> Result<RopeConfig, ConfigError> {
        let Reader(object) = self;
        let mut parameters = rope_object(object)?;
        // Models of which some layers slide have one object for each kind of layer; but where one kind rotates, one.
        let unknown = |all: &Object| [FULL, SLIDING].into_iter().find(|kind| all.get(kind).is_some());
        if let Some(kind) = parameters.as_ref().and_then(unknown).filter(|_| architecture.graph().global_unrotated) {
            let found = parameters.as_ref().and_then(|all| all.get(kind)).unwrap_or(&Value::Null);
            return Err(self.unsupported(kind, found));
        }
        if let Some(global) = parameters.as_ref().map(|all| all.opt_object("full_attention")).transpose()?.flatten() {
            parameters = Some(global);
        }
        let inner = parameters.as_ref().map(|parameters| parameters.opt_positive("rope_theta")).transpose()?.flatten();
        let base = match inner {
            Some(base) => base,
            None => match (object.opt_positive("rope_theta")?, architecture.assumed().rope_theta) {
                (None, None) => object.positive("rope_theta")?,
                (found, assumed) => found.or(assumed).unwrap_or_default(),
            },
        };
        let (base, parameters) = match parameters {
            Some(parameters) if architecture.graph().rope_alpha => Reader(&parameters).with_alpha(base, head_dim)?,
            parameters => (base, parameters),
        };
        if base < 1.0 {
            return Err(self.value("rope_theta", base, "at least 1".to_owned()));
        }
        let scaling = parameters.as_ref().map_or(Ok(RopeScaling::None), |object| Reader(object).scaling(context))?;
        let graph = architecture.graph();
        if graph.global_unrotated && scaling != RopeScaling::None {
            let found = scaling.name().unwrap_or_default();
            return Err(self.unsupported("rope_scaling", &Value::from(found)));
        }
        if graph.hybrid || graph.global_unrotated {
            let rotated = self.rotated(&graph, parameters.as_ref(), head_dim)?;
            return Ok(RopeConfig { base, rotated, scaling, pairing: RopePairing::NeoX });
        }
        for object in [Some(*object), parameters.as_ref()].into_iter().flatten() {
            if let Some(found) = object.get("partial_rotary_factor").filter(|found| found.as_f64() != Some(1.0)) {
                return Err(Reader(object).unsupported("partial_rotary_factor", found));
            }
        }
        Ok(RopeConfig { base, rotated: head_dim, scaling, pairing: RopePairing::NeoX })
    }

    /// The base, and what is left to read of RoPE: HunYuan's `dynamic` stands for another base where it has an `alpha`.
    fn with_alpha(&self, base: f32, head_dim: usize) -> Result<(f32, Option<Object>), ConfigError> {
        let Reader(object) = self;
        let kind = object.opt_text("rope_type")?.or(object.opt_text("type")?);
        match (kind, object.opt_positive("alpha")?) {
            (Some("dynamic"), Some(alpha)) => Ok((with_alpha(base, alpha, head_dim), None)),
            _ => Ok((base, Some((*object).clone()))),
        }
    }

    /// The scaling of `rope_parameters` or `rope_scaling`.
    fn scaling(&self, context: usize) -> Result<RopeScaling, ConfigError> {
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
            "yarn" => self.yarn(),
            "longrope" => self.long_rope(context),
            other => {
                let expected = "`default`, `linear`, `llama3`, `yarn` or `longrope`";
                Err(self.value(key, format!("`{other}`"), expected.to_owned()))
            }
        }
    }

    /// Source: `_compute_yarn_parameters` of HF transformers' `modeling_rope_utils.py`.
    fn yarn(&self) -> Result<RopeScaling, ConfigError> {
        let Reader(object) = self;
        for key in OTHER_YARN {
            if let Some(found) = object.get(key).filter(|found| found.as_f64() != Some(0.0)) {
                return Err(self.unsupported(key, found));
            }
        }
        if object.opt_bool("truncate")? == Some(false) {
            return Err(self.unsupported("truncate", &Value::Bool(false)));
        }
        let factor = object.positive("factor")?;
        if factor < 1.0 {
            return Err(self.value("factor", factor, "at least 1".to_owned()));
        }
        // Here it is the whole multiplier.
        let attention_factor = object.opt_positive("attention_factor")?;
        Ok(RopeScaling::Yarn(Yarn {
            factor,
            original_context: object.count("original_max_position_embeddings")?,
            attention_factor: attention_factor.map_or(1.0, |whole| whole / Yarn::usual_multiplier(factor)),
            beta_fast: object.opt_positive("beta_fast")?.unwrap_or(Yarn::BETA_FAST),
            beta_slow: object.opt_positive("beta_slow")?.unwrap_or(Yarn::BETA_SLOW),
        }))
    }
}

/// `rope_parameters`, or `rope_scaling` as versions of transformers before the fifth have it, beside `rope_theta`.
/// Where there are both, `rope_scaling` is what they read, all of them.
fn rope_object(object: &Object) -> Result<Option<Object>, ConfigError> {
    match object.opt_object("rope_scaling")?.filter(|scaling| !scaling.is_empty()) {
        Some(scaling) => Ok(Some(scaling)),
        None => Ok(object.opt_object("rope_parameters")?),
    }
}

/// The name in `hidden_act`.
fn hidden_act(activation: GateActivation) -> &'static str {
    match activation {
        GateActivation::Silu => "silu",
        GateActivation::ReluSquared => "relu2",
        GateActivation::Gelu => "gelu_pytorch_tanh",
    }
}

/// All classes, for messages.
fn one_of_classes() -> String {
    let classes: BTreeSet<_> = Architecture::ALL.iter().flat_map(|architecture| architecture.classes()).collect();
    let classes: Vec<_> = classes.iter().map(|class| format!("`{class}`")).collect();
    format!("one of {}", classes.join(", "))
}
