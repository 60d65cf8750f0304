//! What a file's metadata says about its model. Shapes of tensors are checked in [`weights`](crate::weights).

mod experts;
mod folding;
mod hybrid;
mod metadata;
mod rope;
mod scales;
mod sliding;
#[cfg(test)]
mod tests;

use super::{Architecture, ConfigError, ConfigProblem, Folding, Graph, Layers, RopeConfig, ScaledBy, Scales, Sliding};
use trine_loader::{Array, Gguf, Value};
use trine_ops::Pooling;
use trine_shapes::{Dims, Sizes};

/// A model's description: everything the forward pass needs besides the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which architecture.
    pub architecture: Architecture,
    /// `general.name`, where the file has one.
    pub name: Option<String>,
    /// Positions the model was trained for.
    pub context: usize,
    /// The lengths of the axes.
    pub dims: Dims,
    /// Epsilon of every RMSNorm.
    pub rms_epsilon: f32,
    /// Rotary position embedding.
    pub rope: RopeConfig,
    /// What is computed is multiplied by.
    pub scales: Scales,
    /// Which blocks mix positions in which way.
    pub layers: Layers,
    /// The blocks that attend within a window, where some do.
    pub sliding: Option<Sliding>,
    /// Of each block the limit of the gates of its experts ([`Config::gate_limit`]); empty where blocks have none.
    pub gate_limits: Vec<f32>,
    /// Whether each matrix of a block has a norm of its own for what it multiplies, which marks the embedding models of
    /// BitNet. Their matrices were trained as ternary.
    pub input_norms: bool,
    /// Which row stands for a text, where the file says it.
    pub pooling: Option<Pooling>,
    /// Which matrices are folded, where some are.
    pub folding: Option<Folding>,
}

impl Config {
    /// Whether the matrix of a role is folded.
    pub fn folds(&self, role: super::Role) -> bool {
        self.folding.as_ref().is_some_and(|folding| folding.folds(role))
    }

    /// What the graph of the model chooses. It follows from the architecture, but for norms of the inputs of matrices.
    pub fn graph(&self) -> Graph {
        let of_architecture = self.architecture.graph();
        let ternary = of_architecture.ternary || self.input_norms;
        Graph { input_norms: self.input_norms, ternary, ..of_architecture }
    }

    /// Reads the keys under the file's architecture.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file, the key, what was found and what was expected.
    pub fn from_gguf(file: &Gguf) -> Result<Config, ConfigError> {
        let meta = file.metadata();
        let found = meta.str(ARCHITECTURE)?;
        let unknown =
            || ConfigError::of_key(file.label(), ARCHITECTURE, ConfigProblem::Architecture { found: found.to_owned() });
        let architecture = Architecture::from_name(found).ok_or_else(unknown)?;
        let keys = Keys { file, architecture };
        keys.refuse_other_arithmetic()?;
        let heads = keys.count("attention.head_count")?;
        let kv_heads = keys.count_or("attention.head_count_kv", heads)?;
        let hidden = keys.count("embedding_length")?;
        let head_dim = keys.count_or("attention.key_length", hidden / heads.max(1))?;
        let value_length = keys.count_or("attention.value_length", head_dim)?;
        if value_length != head_dim {
            return Err(keys.value("attention.value_length", value_length, format!("{head_dim}, the key length")));
        }
        let width = if architecture.graph().experts { experts::WIDTH } else { "feed_forward_length" };
        let (vocab, ffn, blocks) = (keys.vocab()?, keys.count(width)?, keys.layers()?);
        let ((attention_layers, recurrent, layers), experts) = (keys.mixers(blocks)?, keys.experts()?);
        let dims = Dims::new(Sizes { vocab, hidden, ffn, heads, kv_heads, head_dim, attention_layers })
            .and_then(|dims| dims.with_recurrent(recurrent)?.with_experts(experts))
            .map_err(|error| ConfigError::of_file(file.label(), ConfigProblem::Dims(error)))?;
        let rope = keys.rope(head_dim)?;
        if architecture.graph().hybrid {
            keys.check_sections(rope.rotated)?;
        }
        Ok(Config {
            architecture,
            name: meta.opt_str("general.name")?.map(str::to_owned),
            context: keys.context()?,
            dims,
            rms_epsilon: keys.positive("attention.layer_norm_rms_epsilon", None)?,
            sliding: keys.sliding(blocks, &rope)?,
            rope,
            scales: keys.scales(dims.blocks(), hidden)?,
            layers,
            gate_limits: keys.gate_limits(blocks)?,
            input_norms: file.tensors().iter().any(|tensor| tensor.name.ends_with(INPUT_NORM_SUFFIX)),
            pooling: keys.pooling()?,
            folding: keys.folding()?,
        })
    }
}

const ARCHITECTURE: &str = "general.architecture";

/// What names of norms of the inputs of matrices end with.
const INPUT_NORM_SUFFIX: &str = "_norm_in.weight";

pub(crate) use rope::with_alpha;

/// `pooling_type` of a mean.
const MEAN: u32 = 1;

/// `pooling_type` of the last token.
const LAST: u32 = 3;

/// The longest context that is believed: longer ones are damage, and the largest known is 10 million.
pub(crate) const MAX_CONTEXT: usize = 1 << 24;

/// Numbers that scale, cap or bend what a model computes; 0 is none.
const SCALES: [&str; 13] = [
    "logit_scale",
    "attention.scale",
    "attention.output_scale",
    "attention.value_scale",
    "attention.temperature_scale",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "residual_scale",
    "embedding_scale",
    "rope.scaling.alpha",
    "attn_logit_softcapping",
    "attention.logit_softcapping",
    "final_logit_softcapping",
];

/// Counts of what no graph here has; 0 is none.
const COUNTS: [&str; 4] =
    ["expert_count", "attention.sliding_window", "attention.temperature_length", "rescale_every_n_layers"];

/// Reads keys under one architecture's name.
struct Keys<'f> {
    file: &'f Gguf,
    architecture: Architecture,
}

impl Keys<'_> {
    fn key(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }

    fn value(&self, suffix: &str, found: impl ToString, expected: impl Into<String>) -> ConfigError {
        ConfigError::value(self.file.label(), self.key(suffix), found, expected)
    }

    fn count(&self, suffix: &str) -> Result<usize, ConfigError> {
        match self.number(suffix)? {
            Some(0) => Err(self.value(suffix, 0, "at least 1")),
            Some(count) => Ok(count as usize),
            None => Ok(self.file.metadata().u32(&self.key(suffix))? as usize),
        }
    }

    fn count_or(&self, suffix: &str, default: usize) -> Result<usize, ConfigError> {
        match self.number(suffix)? {
            Some(0) => Err(self.value(suffix, 0, "at least 1")),
            count => Ok(count.map_or(default, |count| count as usize)),
        }
    }

    /// A number, or a list of it with one for each block, as writers of models whose blocks differ have it.
    fn number(&self, suffix: &str) -> Result<Option<u32>, ConfigError> {
        let (metadata, key) = (self.file.metadata(), self.key(suffix));
        let of_blocks: Vec<u32> = match metadata.get(&key) {
            Some(Value::Array(Array::U32(of_blocks))) => of_blocks.clone(),
            Some(Value::Array(Array::I32(of_blocks))) => {
                let number = |n: &i32| u32::try_from(*n).map_err(|_| self.value(suffix, n, "at least 1"));
                of_blocks.iter().map(number).collect::<Result<_, _>>()?
            }
            _ => return Ok(metadata.opt_u32(&key)?),
        };
        let Some(first) = of_blocks.first() else {
            return Err(self.value(suffix, "an empty list", "a number"));
        };
        match of_blocks.iter().enumerate().find(|(_, n)| *n != first) {
            None => Ok(Some(*first)),
            Some((block, n)) => {
                let found = format!("{first} for block 0 and {n} for block {block}");
                Err(self.value(suffix, found, "one number for all blocks"))
            }
        }
    }

    fn positive(&self, suffix: &str, default: Option<f32>) -> Result<f32, ConfigError> {
        let key = self.key(suffix);
        let found = match default {
            Some(default) => self.file.metadata().opt_f32(&key)?.unwrap_or(default),
            None => self.file.metadata().f32(&key)?,
        };
        if found.is_finite() && found > 0.0 { Ok(found) } else { Err(self.value(suffix, found, "a positive number")) }
    }

    fn context(&self) -> Result<usize, ConfigError> {
        let context = self.count("context_length")?;
        let expected = || format!("at most {MAX_CONTEXT}");
        if context <= MAX_CONTEXT { Ok(context) } else { Err(self.value("context_length", context, expected())) }
    }

    /// The number of blocks, each of which needs tensors.
    fn layers(&self) -> Result<usize, ConfigError> {
        let (layers, tensors) = (self.count("block_count")?, self.file.tensors().len());
        if tensors == 0 {
            return Err(ConfigError::of_file(self.file.label(), ConfigProblem::VocabularyOnly));
        }
        let expected = || format!("less than {tensors}, the number of tensors in the file");
        if layers < tensors { Ok(layers) } else { Err(self.value("block_count", layers, expected())) }
    }

    /// The number of the tokenizer's tokens, which the architecture's own key repeats. Where there is no tokenizer,
    /// that key has it alone.
    fn vocab(&self) -> Result<usize, ConfigError> {
        const TOKENS: &str = "tokenizer.ggml.tokens";
        let metadata = self.file.metadata();
        let size = metadata.opt_u32(&self.key("vocab_size"))?;
        if let (Some(size), None) = (size, metadata.get(TOKENS)) {
            return Ok(size as usize);
        }
        let tokens = metadata.string_array(TOKENS)?.len();
        match size {
            Some(size) if size as usize != tokens => {
                Err(self.value("vocab_size", size, format!("{tokens}, the number of tokens in the vocabulary")))
            }
            _ => Ok(tokens),
        }
    }

    fn unsupported(&self, suffix: &str, found: impl ToString) -> ConfigError {
        ConfigError::unsupported(self.file.label(), self.key(suffix), found)
    }

    /// Which row stands for a text. Numbers are those of llama.cpp's `enum llama_pooling_type`.
    fn pooling(&self) -> Result<Option<Pooling>, ConfigError> {
        const KEY: &str = "pooling_type";
        match self.file.metadata().opt_u32(&self.key(KEY))? {
            None | Some(0) => Ok(None),
            Some(MEAN) => Ok(Some(Pooling::Mean)),
            Some(LAST) => Ok(Some(Pooling::Last)),
            Some(other) => Err(self.value(KEY, other, format!("0 (none), {MEAN} (mean) or {LAST} (last token)"))),
        }
    }

    /// Keys that other engines obey and whose neglect would give wrong text silently.
    fn refuse_other_arithmetic(&self) -> Result<(), ConfigError> {
        let meta = self.file.metadata();
        let graph = self.architecture.graph();
        let is_counted =
            |suffix: &str| (graph.slides && suffix == sliding::WINDOW) || (graph.experts && suffix == experts::COUNT);
        for suffix in COUNTS.into_iter().filter(|suffix| !is_counted(suffix)) {
            if let Some(found @ 1..) = meta.opt_u32(&self.key(suffix))? {
                return Err(self.unsupported(suffix, found));
            }
        }
        let is_read = |suffix: &str| {
            (graph.scales == ScaledBy::Numbers && scales::KEYS.contains(&suffix))
                || (graph.rope_alpha && suffix == rope::ALPHA)
        };
        for suffix in SCALES.into_iter().filter(|suffix| !is_read(suffix)) {
            if let Some(found) = meta.opt_f32(&self.key(suffix))?.filter(|found| *found != 0.0) {
                return Err(self.unsupported(suffix, found));
            }
        }
        if meta.opt_bool(&self.key("attention.causal"))? == Some(false) {
            return Err(self.unsupported("attention.causal", false));
        }
        Ok(())
    }
}
