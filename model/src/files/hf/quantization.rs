//! What `config.json` says of quantization: which matrices are ternary, in which form they are stored, and what their
//! scales mean.
//!
//! Sources: `BitNetQuantConfig`, `integrations/bitnet.py` and `quantizers/quantizer_bitnet.py` of HF transformers;
//! `save_config` and `load_model` of `mlx_lm/utils.py` for what MLX writes.

use crate::description::ConfigError;
use crate::files::Words;
use regex::Regex;
use trine_loader::json::{JsonError, Object, shown};

/// How the matrices of a checkpoint become ternary.
#[derive(Clone, Debug)]
pub(super) enum Quantization {
    /// Not at all: a plain model.
    None,
    /// They are stored as codes, with one `weight_scale` each.
    Offline {
        /// What the scale means.
        scale: ScaleMeaning,
        /// Modules that stay as they are.
        except: Exceptions,
    },
    /// They are stored as float masters, and quantized when they are loaded.
    Online {
        /// Modules that stay as they are.
        except: Exceptions,
    },
    /// They are stored as words of codes, as MLX does; the embedding and the head too, and what is stored as floats is
    /// floats.
    Words {
        /// The words of a matrix.
        usual: Words,
        /// Modules of the embedding and the head that have others.
        other: Vec<(String, Words)>,
    },
}

/// What a product with ternary codes does with `weight_scale`. Taking one for the other is an error of order one that
/// nothing in the files shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScaleMeaning {
    /// `y = (codes . x) * weight_scale`: linear class `autobitlinear`.
    Multiplies,
    /// `y = (codes . x) / weight_scale`: linear class `bitlinear`, which is the default.
    Divides,
}

impl Quantization {
    /// Reads `quantization_config`, and the keys by which MLX and 1bitLLM's models say the same. `input_norms` is
    /// whether matrices have norms of their own, `is_table` whether a module is the embedding or the head.
    pub fn read(
        config: &Object,
        input_norms: bool,
        is_table: impl Fn(&str) -> bool,
    ) -> Result<Quantization, ConfigError> {
        if let Some(object) = config.opt_object("quantization")? {
            return of_mlx(config, &object, is_table);
        }
        let Some(object) = config.opt_object("quantization_config")? else {
            return of_weight_bits(config);
        };
        let value =
            |key, found: String, expected: &str| ConfigError::value(object.file(), object.key(key), found, expected);
        let choice = |key, default| Ok::<_, JsonError>(object.opt_text(key)?.unwrap_or(default));
        match choice("quant_method", "")? {
            "bitnet" => {}
            other => {
                let expected = "`bitnet`; convert the model from its unquantized or ternary form";
                return Err(value("quant_method", format!("{other:?}"), expected));
            }
        }
        check_norms(config, &object, input_norms)?;
        let except = Exceptions::read(&object)?;
        let class = choice("linear_class", "bitlinear")?;
        match (class, choice("quantization_mode", "offline")?) {
            ("bitlinear", "online" | "offline") => Ok(Quantization::Offline { scale: ScaleMeaning::Divides, except }),
            ("autobitlinear", "offline") => Ok(Quantization::Offline { scale: ScaleMeaning::Multiplies, except }),
            ("autobitlinear", "online") => Ok(Quantization::Online { except }),
            ("bitlinear" | "autobitlinear", mode) => {
                Err(value("quantization_mode", format!("{mode:?}"), "`online` or `offline`"))
            }
            (class, _) => Err(value("linear_class", format!("{class:?}"), "`bitlinear` or `autobitlinear`")),
        }
    }

    /// The words of a module, where what is not floats is in words.
    pub fn words(&self, module: &str) -> Option<Words> {
        let Quantization::Words { usual, other } = self else { return None };
        Some(other.iter().find(|(name, _)| name == module).map_or(*usual, |(_, words)| *words))
    }

    /// Whether the matrices of this module are quantized.
    pub fn converts(&self, module: &str) -> bool {
        match self {
            Quantization::None | Quantization::Words { .. } => false,
            Quantization::Offline { except, .. } | Quantization::Online { except } => !except.contains(module),
        }
    }
}

/// Whether `use_rms_norm` says what the tensors do, and its epsilon is that of the model.
fn check_norms(config: &Object, object: &Object, input_norms: bool) -> Result<(), ConfigError> {
    let value = |key: &str, found: String, expected: String| {
        Err(ConfigError::value(object.file(), object.key(key), found, expected))
    };
    match (object.opt_bool("use_rms_norm")?.unwrap_or(false), input_norms) {
        (true, false) => {
            let expected = "false, or tensors `*_proj.norm.weight`, one for each matrix of a block";
            value("use_rms_norm", "true".to_owned(), expected.to_owned())
        }
        (false, true) => {
            let expected = "true, because there are tensors `*_proj.norm.weight`";
            value("use_rms_norm", "false or missing".to_owned(), expected.to_owned())
        }
        (true, true) => match (object.opt_positive("rms_norm_eps")?, config.positive("rms_norm_eps")?) {
            (Some(found), epsilon) if found != epsilon => {
                value("rms_norm_eps", found.to_string(), format!("{epsilon}, the epsilon of the other norms"))
            }
            _ => Ok(()),
        },
        (false, false) => Ok(()),
    }
}

/// `quantization`, which MLX also writes as `quantization_config`. Entries that are not its own are names of modules,
/// with the words that these have.
fn of_mlx(config: &Object, object: &Object, is_table: impl Fn(&str) -> bool) -> Result<Quantization, ConfigError> {
    let mut other = Vec::new();
    for (module, found) in object.iter().filter(|(key, _)| !["bits", "group_size", "mode"].contains(key)) {
        let inner = object.opt_object(module).ok().flatten().filter(|_| is_table(module));
        let Some(inner) = inner else {
            return Err(ConfigError::unsupported(object.file(), object.key(module), shown(found)));
        };
        other.push((module.to_owned(), words(&inner, object.key(module), &[Words::Affine64])?));
    }
    let usual = words(object, "quantization".to_owned(), &[])?;
    let copy = "quantization_config";
    if config.get(copy).is_some_and(|other| config.get("quantization") != Some(other)) {
        let found = config.get(copy).map_or_else(String::new, shown);
        return Err(ConfigError::value(object.file(), copy, found, "the same as `quantization`, which MLX writes"));
    }
    Ok(Quantization::Words { usual, other })
}

/// The words that the object `name` says, usual ones or some of `others`.
fn words(object: &Object, name: String, others: &[Words]) -> Result<Words, ConfigError> {
    let value = |key, found: String, expected: &str| ConfigError::value(object.file(), key, found, expected);
    if let Some(mode) = object.opt_text("mode")?.filter(|mode| *mode != "affine") {
        return Err(value(object.key("mode"), format!("{mode:?}"), "`affine`"));
    }
    let (bits, columns) = (object.count("bits")?, object.count("group_size")?);
    let is_said = |words: &&Words| (words.bits(), words.columns()) == (bits, Some(columns));
    let mut known = Words::USUAL.iter().chain(others);
    known.find(is_said).copied().ok_or_else(|| {
        let found = format!("{bits} bits in groups of {columns}");
        let usual = "2 bits in groups of 64 or 128, which may be ternary, or 1 in groups of 128, which are binary";
        let expected = if others.is_empty() { usual.to_owned() } else { format!("4 bits in groups of 64, {usual}") };
        value(name, found, &expected)
    })
}

/// `weight_bits` and `input_bits`, which models of 1bitLLM have instead of a `quantization_config`.
fn of_weight_bits(config: &Object) -> Result<Quantization, ConfigError> {
    if config.get("weight_bits").is_none() {
        return Ok(Quantization::None);
    }
    for (key, expected) in [("weight_bits", 1), ("input_bits", 8)] {
        if config.get(key).and_then(serde_json::Value::as_u64) != Some(expected) {
            let found = config.get(key).map_or_else(|| "missing".to_owned(), shown);
            return Err(ConfigError::value(config.file(), key, found, format!("{expected}, as in BitNet b1.58")));
        }
    }
    Ok(Quantization::Online { except: Exceptions::default() })
}

/// The patterns of `modules_to_not_convert`.
///
/// A pattern names a module if the module's name ends with it, or if it is a regular expression that matches the start
/// of the name up to the end of a part. Source: `should_convert_module` in `quantizers/quantizers_utils.py` of HF
/// transformers.
#[derive(Clone, Debug, Default)]
pub(super) struct Exceptions(Vec<(String, Regex)>);

impl Exceptions {
    const KEY: &str = "modules_to_not_convert";

    fn read(object: &Object) -> Result<Exceptions, ConfigError> {
        let regex = |pattern: &str| {
            let whole = Regex::new(&format!("^(?:{pattern})$"));
            let expected = "regular expressions or ends of names";
            whole.map(|regex| (pattern.to_owned(), regex)).map_err(|_| {
                ConfigError::value(object.file(), object.key(Self::KEY), format!("{pattern:?}"), expected.to_owned())
            })
        };
        let patterns = object.opt_texts(Self::KEY)?.unwrap_or_default();
        Ok(Exceptions(patterns.into_iter().map(regex).collect::<Result<_, _>>()?))
    }

    fn contains(&self, module: &str) -> bool {
        // A part ends before its dot, behind it, or with the name.
        let starts = |regex: &Regex| {
            let dots = module.match_indices('.').flat_map(|(dot, _)| [dot, dot + 1]);
            dots.chain([module.len()]).any(|end| regex.is_match(&module[..end]))
        };
        self.0.iter().any(|(pattern, regex)| module.ends_with(pattern.as_str()) || starts(regex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceptions(pattern: &str) -> Result<Exceptions, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, serde_json::json!({ Exceptions::KEY: [pattern] }).to_string()).unwrap();
        Exceptions::read(&Object::open(&path).unwrap())
    }

    fn is_excepted(module: &str, pattern: &str) -> bool {
        exceptions(pattern).unwrap().contains(module)
    }

    #[test]
    fn what_is_no_regular_expression_is_refused() {
        let refused = exceptions("model.layers.(").unwrap_err().to_string();
        assert!(refused.contains("`modules_to_not_convert` is \"model.layers.(\", expected regular"), "{refused}");
    }

    /// What `should_convert_module` of HF transformers 5.24 says of these.
    #[test]
    fn patterns_name_ends_and_whole_parts() {
        let module = "model.layers.11.mlp.gate_proj";
        for pattern in [
            "gate_proj",
            "model.layers.11",
            "model.layers.11.",
            "model.layers.11.mlp.gate_proj",
            "model.layers.1.",
            r"model.layers.\d+.mlp",
            "model.*",
            "lm_head|model.layers.11",
        ] {
            assert!(is_excepted(module, pattern), "{pattern}");
        }
        for pattern in ["model.layers.1", "model.layers.11.mlp.gate", "lm_head", r"layers.\d+", "mlp.*"] {
            assert!(!is_excepted(module, pattern), "{pattern}");
        }
    }
}
