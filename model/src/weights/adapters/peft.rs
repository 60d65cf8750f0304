//! Adapters as HF PEFT saves them: `adapter_config.json` and `adapter_model.safetensors`.

use super::{Adapter, AdapterError, Which, pairs};
use crate::description::{Architecture, ConfigError};
use crate::files::{Encoding, SourceTensor, hf_role};
use regex::Regex;
use serde_json::Value as Json;
use std::path::Path;
use std::sync::Arc;
use trine_loader::json::{self, Object};
use trine_loader::{Access, Safetensors, SafetensorsInfo};
use trine_shapes::RopePairing;

/// What stands before the names of the model's modules.
const PREFIX: &str = "base_model.model.";

/// Entries that say nothing of the arithmetic: what was trained where and how, and what the names of tensors tell.
const IGNORED: [&str; 22] = [
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "low_cpu_mem_usage",
    "megatron_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
    "velora_config",
];

/// Entries that are read.
const READ: [&str; 9] = [
    "alpha_pattern",
    "bias",
    "fan_in_fan_out",
    "init_lora_weights",
    "lora_alpha",
    "peft_type",
    "r",
    "rank_pattern",
    "use_rslora",
];

/// Ways to initialise an adapter that leave the model as it was. Others change its weights, so that the adapter is one
/// of a model that is not saved.
const KEEPS_MODEL: [&str; 2] = ["gaussian", "orthogonal"];

/// The adapter of a directory. Source: `LoraConfig` and `LoraLayer.update_layer` of HF PEFT.
pub(super) fn open(directory: &Path, access: Access) -> Result<Adapter, AdapterError> {
    let config = Object::open(&directory.join("adapter_config.json")).map_err(ConfigError::from)?;
    check(&config)?;
    let scales = Scales::read(&config)?;
    let weights = Safetensors::open(directory.join("adapter_model.safetensors"), access)?;
    let file: Arc<str> = Arc::from(weights.label());
    let tensor = |info: &SafetensorsInfo| SourceTensor {
        name: info.name.clone(),
        role: None,
        dims: info.shape.clone(),
        encoding: Encoding::of_dtype(info.dtype),
        file: file.clone(),
        offset: info.offset,
        bytes: weights.bytes(info),
        groups: None,
        parts: None,
    };
    let tensors = weights.tensors().iter().map(tensor).collect();
    let which = |tensor: &SourceTensor| {
        let (module, which) = module(&tensor.name)?;
        Some((hf_role(&format!("{module}.weight"), &Architecture::Llama.graph())?, which))
    };
    let scale = |down: &SourceTensor, rank: usize| {
        let (module, _) = module(&down.name).expect("a factor's name");
        Ok(scales.of(&config, module, rank)?)
    };
    let label = directory.display().to_string();
    let factors = pairs(&label, tensors, which, scale)?;
    Ok(Adapter { label, architecture: None, pairing: RopePairing::NeoX, factors, strength: 1.0 })
}

/// The module of the model that a tensor adapts, and which factor it is.
fn module(name: &str) -> Option<(&str, Which)> {
    let path = name.strip_prefix(PREFIX)?.strip_suffix(".weight")?;
    // A directory of one adapter leaves out its name, or has that of the first.
    let path = path.strip_suffix(".default").unwrap_or(path);
    match path.rsplit_once('.')? {
        (module, "lora_A") => Some((module, Which::Down)),
        (module, "lora_B") => Some((module, Which::Up)),
        _ => None,
    }
}

/// Whether the adapter is nothing but a product of two factors beside each matrix.
fn check(config: &Object) -> Result<(), ConfigError> {
    for (key, value) in config.iter() {
        let is_as_usual = match key {
            "peft_type" => value == "LORA",
            "bias" => value == "none",
            "fan_in_fan_out" => value == false,
            "init_lora_weights" => value.as_str().map_or(value.is_boolean(), |name| KEEPS_MODEL.contains(&name)),
            _ if READ.contains(&key) || IGNORED.contains(&key) => true,
            // Whatever else PEFT may know is off, or changes what is computed.
            _ => match value {
                Json::Bool(on) => !on,
                Json::Array(list) => list.is_empty(),
                Json::Object(entries) => entries.is_empty(),
                _ => false,
            },
        };
        if !is_as_usual {
            return Err(ConfigError::unsupported(config.file(), key, json::shown(value)));
        }
    }
    match config.get("peft_type") {
        Some(_) => Ok(()),
        None => Err(ConfigError::value(config.file(), "peft_type", "missing", "LORA")),
    }
}

/// The scales of the products of factors.
struct Scales {
    rank: usize,
    alpha: f64,
    by_root: bool,
    ranks: Vec<(Regex, f64)>,
    alphas: Vec<(Regex, f64)>,
}

impl Scales {
    fn read(config: &Object) -> Result<Scales, ConfigError> {
        let alpha = match config.get("lora_alpha") {
            None => 8.0,
            Some(value) => value
                .as_f64()
                .filter(|alpha| alpha.is_finite())
                .ok_or_else(|| ConfigError::value(config.file(), "lora_alpha", json::shown(value), "a number"))?,
        };
        Ok(Scales {
            rank: config.opt_count("r")?.unwrap_or(8),
            alpha,
            by_root: config.opt_bool("use_rslora")?.unwrap_or(false),
            ranks: patterns(config, "rank_pattern")?,
            alphas: patterns(config, "alpha_pattern")?,
        })
    }

    /// The scale for a module: alpha over its rank, or over the root of it, each its own where a pattern says so.
    fn of(&self, config: &Object, module: &str, found: usize) -> Result<f32, ConfigError> {
        let by_pattern = |key: &str, patterns: &[(Regex, f64)], usual: f64| {
            let mut values = patterns.iter().filter(|(pattern, _)| pattern.is_match(module)).map(|(_, value)| *value);
            let value = values.next();
            match values.find(|other| Some(*other) != value) {
                None => Ok(value.unwrap_or(usual)),
                // PEFT takes the one that comes first in the file.
                Some(other) => Err(ConfigError::value(config.file(), key, other, format!("one value for `{module}`"))),
            }
        };
        let rank = by_pattern("rank_pattern", &self.ranks, self.rank as f64)?;
        if rank != found as f64 {
            let expected = format!("{found}, the rank of the factors of `{module}`");
            return Err(ConfigError::value(config.file(), "r", rank, expected));
        }
        let alpha = by_pattern("alpha_pattern", &self.alphas, self.alpha)?;
        Ok((alpha / if self.by_root { rank.sqrt() } else { rank }) as f32)
    }
}

/// The entries of an object of regular expressions, which stand for the end of a module's path: `get_pattern_key` of
/// PEFT.
fn patterns(config: &Object, key: &str) -> Result<Vec<(Regex, f64)>, ConfigError> {
    let Some(object) = config.opt_object(key)? else { return Ok(Vec::new()) };
    let read = |(name, value): (&str, &Json)| {
        let wrong = |expected: &str| ConfigError::value(config.file(), object.key(name), json::shown(value), expected);
        let pattern = Regex::new(&format!(r"^(?:.*\.)?(?:{name})$"));
        let pattern = pattern.map_err(|_| wrong("a number for a regular expression"))?;
        Ok((pattern, value.as_f64().ok_or_else(|| wrong("a number"))?))
    };
    object.iter().map(read).collect()
}
