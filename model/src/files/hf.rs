//! A model's directory as HF transformers' `save_pretrained` writes it: `config.json` and safetensors.
//!
//! Here belongs what these files mean. Their bytes are the loader's part; the tokenizer's files beside them are read by
//! `trine-text`. The rooms behind this one are
//!
//! * `config.rs`, `quantization.rs`: `config.json`;
//! * `names.rs`: names of tensors and their roles;
//! * `pooling.rs`: which row stands for a text, as sentence-transformers have it;
//! * `restated.rs`: small tensors that GGUF files have in another form;
//! * `together.rs`: tensors that belong together.

mod config;
mod names;
mod pooling;
mod quantization;
mod restated;
mod together;

pub(crate) use names::role;

use super::entries::is_unread_of_hf;
use super::{Container, Description, DescriptionError, Encoding, Source, SourceTensor};
use crate::description::{
    Architecture, Biases, Config, ConfigError, Graph, Presence, Projection, Role, RopeFactors, RopeScaling,
};
use crate::warning::Warning;
use quantization::{Quantization, ScaleMeaning};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trine_kernels::ActivationMode;
use trine_loader::json::{self, Object};
use trine_loader::{
    Access, Dtype, Safetensors, SafetensorsError, SafetensorsInfo, SafetensorsModel, TensorType, Value,
};
use trine_shapes::Dims;
use trine_text::{
    ChatError, ChatTemplate, Tokenizer, TokenizerError, TokenizerFiles, TokenizerOptions, VocabularyData,
};

/// The version of GGUF that describes a directory.
const GGUF_VERSION: u32 = 3;

/// Rows of the matrix that a row of packed bytes holds.
const PACKED_ROWS: usize = 4;

/// Bits of a word of MLX.
const WORD_BITS: usize = 32;

/// A model's directory, its tensors in place and its `config.json` read.
#[derive(Debug)]
pub struct HfDirectory {
    path: PathBuf,
    label: String,
    config: Object,
    quantization: Quantization,
    weights: SafetensorsModel,
    /// What names of tensors are of.
    graph: Graph,
    /// Whether names do not begin with `model.`, as those of models without a head may not.
    is_bare: bool,
    /// Whether matrices have norms of their own.
    input_norms: bool,
}

/// A directory that holds no model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HfError {
    /// The weights cannot be read.
    #[error(transparent)]
    Weights(#[from] SafetensorsError),
    /// `config.json` cannot be read, or asks for a quantization that Trine does not know.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl HfDirectory {
    /// Opens a directory, its weights mapped into memory or copied; [`Access::Map`] says what must not happen to mapped
    /// files.
    ///
    /// # Errors
    /// [`HfError`] where `config.json` or the weights are missing or not sound.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<HfDirectory, HfError> {
        let path = path.as_ref();
        let weights = SafetensorsModel::open(path, access)?;
        let config = Object::open(&path.join("config.json")).map_err(ConfigError::from)?.with_inner("text_config");
        let label = path.display().to_string();
        let graph = config::architecture(&config).unwrap_or(Architecture::Llama).graph();
        let has = |is: fn(&str) -> bool| weights.tensors().any(|(_, info)| is(&info.name));
        let input_norms = !graph.hybrid && has(|name| name.ends_with("_proj.norm.weight"));
        let is_table = |module: &str| {
            matches!(role(&format!("{module}.weight"), &graph), Some(Role::TokenEmbedding | Role::Output))
        };
        let quantization = Quantization::read(&config, input_norms, is_table)?;
        let is_bare = !has(|name| name.starts_with("model."));
        Ok(HfDirectory { path: path.to_owned(), label, config, quantization, weights, graph, is_bare, input_norms })
    }

    /// The weights.
    pub fn weights(&self) -> &SafetensorsModel {
        &self.weights
    }

    /// The name of a tensor in a model that has a head.
    fn full<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.is_bare { format!("model.{name}").into() } else { name.into() }
    }

    /// The role of the tensor with this name.
    fn role(&self, name: &str) -> Option<Role> {
        role(&self.full(name), &self.graph)
    }

    /// The files about text.
    fn text(&self) -> TokenizerFiles<'_> {
        TokenizerFiles::new(&self.path, &self.config)
    }

    fn tensor(&self, file: &Safetensors, info: &SafetensorsInfo) -> SourceTensor {
        let found = self.role(&info.name);
        // A model that is quantized online has no scales; transformers ignores one that is there.
        let is_ignored_scale =
            |role: &Role| matches!(role, Role::Scale(..)) && !matches!(self.quantization, Quantization::Offline { .. });
        let role = found.filter(|role| !is_ignored_scale(role));
        let encoding = self.encoding(role, info);
        let mut dims = info.shape.clone();
        if let (Encoding::PackedRows, Some(rows)) = (encoding, dims.first_mut()) {
            *rows = rows.saturating_mul(PACKED_ROWS);
        }
        if let (Encoding::Words(words), Some(cols)) = (encoding, dims.last_mut()) {
            *cols = cols.saturating_mul(WORD_BITS / words.bits());
        }
        SourceTensor {
            name: info.name.clone(),
            role,
            dims,
            encoding,
            file: Arc::from(file.label()),
            offset: info.offset,
            bytes: file.bytes(info),
            groups: None,
            parts: None,
        }
    }

    fn encoding(&self, role: Option<Role>, info: &SafetensorsInfo) -> Encoding {
        let plain = Encoding::of_dtype(info.dtype);
        let kind = plain.float();
        let module = info.name.rsplit_once('.').map_or("", |(module, _)| module);
        let is_converted = self.quantization.converts(module);
        // Models whose matrices have norms of their own are published as masters.
        let is_master = self.input_norms && matches!(self.quantization, Quantization::None);
        match (role, kind, &self.quantization) {
            (Some(Role::Matrix(..)), Some(kind), _) if is_master => Encoding::Masters(kind),
            (Some(Role::Matrix(..)), Some(kind), Quantization::Online { .. }) if is_converted => {
                Encoding::Masters(kind)
            }
            (Some(Role::Matrix(..)), Some(kind), Quantization::Offline { .. }) if is_converted => {
                Encoding::TernaryFloats(kind)
            }
            (Some(Role::Matrix(..)), None, Quantization::Offline { .. }) if is_converted => match info.dtype {
                Dtype::U8 => Encoding::PackedRows,
                Dtype::I8 => Encoding::Int8Codes,
                other => Encoding::Foreign(other.name()),
            },
            (Some(Role::Scale(..)), Some(kind), Quantization::Offline { scale: ScaleMeaning::Divides, .. }) => {
                Encoding::Divisor(kind)
            }
            (Some(role), None, quantization) if info.dtype == Dtype::U32 && !role.is_gains() => {
                quantization.words(module).map_or(plain, Encoding::Words)
            }
            _ => plain,
        }
    }

    /// The embedding and the head, where there are such tensors.
    fn tables(&self) -> [Option<(&Safetensors, &SafetensorsInfo)>; 2] {
        [Role::TokenEmbedding, Role::Output]
            .map(|role| self.weights.tensors().find(|(_, info)| self.role(&info.name) == Some(role)))
    }

    /// Refuses a number of tokens other than that of the embedding, before anything is made for each of them.
    fn check_embedding(&self, config: &Config) -> Result<(), ConfigError> {
        let Dims { vocab, hidden, .. } = config.dims;
        let [embedding, _] = self.tables();
        let shape = embedding.map(|(file, info)| self.tensor(file, info).dims).unwrap_or_default();
        match shape[..] {
            [rows, cols] if (rows, cols) == (vocab, hidden) => Ok(()),
            _ => {
                let expected = format!("the rows of the embedding, whose shape is {shape:?}");
                Err(ConfigError::value(self.config.file(), "vocab_size", vocab, expected))
            }
        }
    }

    /// Whether matrices have biases where `config.json` says so and nowhere else: transformers leaves out those that it
    /// does not speak of, and makes up those that are missing.
    fn check_biases(&self, config: &Config) -> Result<(), ConfigError> {
        let found: HashSet<Role> = self.weights.tensors().filter_map(|(_, info)| self.role(&info.name)).collect();
        let of_block = |block| Projection::all().map(move |matrix| (Role::Bias(block, matrix), bias_key(matrix)));
        let may_be = |role: Role| role.presence_in(config) != Presence::Absent;
        for (role, key) in (0..config.dims.blocks()).flat_map(of_block).filter(|(role, _)| may_be(*role)) {
            let expected = match (self.config.opt_bool(key)?.unwrap_or(false), found.contains(&role)) {
                (true, false) => format!("false, or a tensor `{}`", names::name(role, &self.graph)),
                (false, true) => format!("true, because there is a tensor `{}`", names::name(role, &self.graph)),
                _ => continue,
            };
            let found = self.config.get(key).map_or_else(|| "missing".to_owned(), json::shown);
            return Err(ConfigError::value(self.config.file(), key, found, expected));
        }
        Ok(())
    }

    /// The bytes of the tensors beside one in words.
    fn groups(&self, name: &str) -> Vec<Option<bytes::Bytes>> {
        let bytes = |(file, info): (&Safetensors, &SafetensorsInfo)| file.bytes(info);
        let beside = |name: String| self.weights.tensors().find(|(_, info)| info.name == name).map(bytes);
        together::names_beside(name).map(beside).collect()
    }

    /// Whether each block has one matrix for each expert, where each has a tensor of its own.
    fn check_experts(&self, config: &Config) -> Result<(), ConfigError> {
        let names = self.weights.tensors().map(|(_, info)| info.name.as_str());
        let found = together::experts(names, |name| self.expert(name));
        let count = config.dims.experts.count;
        for (role, experts) in found {
            let missing = (0..count).find(|expert| !experts.contains(expert));
            let beyond = experts.last().filter(|last| **last >= count);
            let name = |expert| names::name_of_expert(role, expert, &self.graph);
            let expected = match (missing, beyond) {
                (Some(missing), _) => format!("a tensor for each expert, but there is no `{}`", name(missing)),
                (None, Some(last)) => format!("{}, because there is a tensor `{}`", last + 1, name(*last)),
                (None, None) => continue,
            };
            return Err(ConfigError::value(self.config.file(), config::EXPERTS, count, expected));
        }
        Ok(())
    }

    /// The role of a tensor of one expert, and which expert that is.
    fn expert(&self, name: &str) -> Option<(Role, usize)> {
        names::expert(&self.full(name), &self.graph)
    }

    /// The divisors of LongRoPE, which `config.json` has, as the tensors that GGUF files have.
    fn rope_factors(&self) -> Vec<SourceTensor> {
        let is_long = Source::config(self).is_ok_and(|config| matches!(config.rope.scaling, RopeScaling::LongRope(_)));
        let given = if is_long { config::rope_factors(&self.config) } else { Vec::new() };
        let tensor = |(of, factors): (RopeFactors, Vec<f32>)| SourceTensor {
            name: Role::RopeFactors(of).to_string(),
            role: Some(Role::RopeFactors(of)),
            dims: vec![factors.len()],
            encoding: Encoding::Plain(TensorType::F32),
            file: self.config.file().clone(),
            offset: 0,
            bytes: factors.into_iter().flat_map(f32::to_le_bytes).collect(),
            groups: None,
            parts: None,
        };
        given.into_iter().map(tensor).collect()
    }

    /// Whether the head is the embedding, so that a head of its own in the files, if there is one, is its copy.
    fn head_is_embedding(&self) -> Result<bool, ConfigError> {
        const KEY: &str = "tie_word_embeddings";
        let value = |found: &str, expected: &str| ConfigError::value(self.config.file(), KEY, found, expected);
        let [embedding, head] = self.tables();
        match (self.config.opt_bool(KEY)?, head) {
            (Some(false), None) => Err(value("false", "true, or a tensor `lm_head.weight`")),
            (Some(true), Some((file, head))) => {
                let is_copy = embedding.is_some_and(|(other, embedding)| {
                    other.bytes(embedding) == file.bytes(head)
                        && self.groups(&embedding.name) == self.groups(&head.name)
                });
                match is_copy {
                    true => Ok(true),
                    false => Err(value("true", "false, because `lm_head.weight` differs from the embedding")),
                }
            }
            (tied, head) => Ok(tied.unwrap_or(head.is_none())),
        }
    }
}

/// The entry of `config.json` that says whether a matrix has a bias.
fn bias_key(projection: Projection) -> &'static str {
    if projection.is_feed_forward() { "mlp_bias" } else { "attention_bias" }
}

impl Source for HfDirectory {
    fn label(&self) -> &str {
        &self.label
    }

    fn container(&self) -> Container {
        Container::Safetensors { files: self.weights.files().len() }
    }

    fn bytes(&self) -> u64 {
        self.weights.files().iter().map(Safetensors::file_len).sum()
    }

    fn entries(&self) -> Vec<(String, Value)> {
        self.config.flat_entries()
    }

    fn unread_entries(&self) -> Vec<String> {
        // JSON's `null` is an entry that is absent.
        let given = self.entries().into_iter().filter(|(_, value)| *value != Value::from("null"));
        // Beside MLX's `quantization` lies a copy.
        let is_copy = |key: &str| self.quantization.words("").is_some() && key.starts_with("quantization_config");
        given.map(|(key, _)| key).filter(|key| is_unread_of_hf(key) && !is_copy(key)).collect()
    }

    fn config(&self) -> Result<Config, ConfigError> {
        self.head_is_embedding()?;
        let is_of_a_row = |role: &Role| !matches!(role, Role::Scale(..) | Role::Bias(..) | Role::InputNorm(..));
        let roles = self.weights.tensors().filter_map(|(_, info)| self.role(&info.name));
        let blocks: BTreeSet<usize> = roles.filter(is_of_a_row).filter_map(Role::block).collect();
        let mut config = config::read(&self.config, blocks.len(), self.input_norms)?;
        self.check_experts(&config)?;
        config.pooling = pooling::read(&self.path)?;
        if config.graph().biases == Biases::WhereFound {
            self.check_biases(&config)?;
        }
        Ok(config)
    }

    fn has_vocabulary(&self) -> bool {
        self.text().has_vocabulary()
    }

    fn tokenizer(&self, options: &TokenizerOptions) -> Result<Tokenizer, TokenizerError> {
        self.text().tokenizer(options)
    }

    fn tokenizer_of(&self, vocabulary: VocabularyData) -> Result<Tokenizer, TokenizerError> {
        self.text().tokenizer_of(vocabulary)
    }

    fn description(&self, options: &TokenizerOptions) -> Result<Description, DescriptionError> {
        let config = Source::config(self)?;
        let mut metadata = config.to_metadata();
        let file = || self.label.clone();
        let (vocabulary, mut warnings) = match self.has_vocabulary() {
            true => {
                let (vocabulary, warnings) = self.text().vocabulary(options)?;
                let of_file = |warning| Warning::Tokenizer { file: file(), warning };
                (vocabulary, warnings.into_iter().map(of_file).collect())
            }
            false => {
                self.check_embedding(&config)?;
                (VocabularyData::placeholders(config.dims.vocab), vec![Warning::NoVocabulary { file: file() }])
            }
        };
        warnings.extend(vocabulary.not_in_gguf().into_iter().map(|lost| Warning::NotInGguf { file: file(), lost }));
        metadata.extend(vocabulary.to_metadata());
        let template = self.text().chat_template_source()?;
        metadata.extend(template.map(|source| (ChatTemplate::KEY.to_owned(), Value::from(source))));
        let is_llama3 = matches!(config.rope.scaling, RopeScaling::Llama3 { .. });
        let is_reordered = config.rope.pairing != config.graph().rope_pairing;
        Ok(Description {
            version: GGUF_VERSION,
            metadata,
            divisors: is_llama3.then(|| config.rope.divisors()),
            interleave: is_reordered.then_some(config.dims.head_dim),
            vocabulary: self.has_vocabulary().then_some(vocabulary),
            warnings,
        })
    }

    fn chat_template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        self.text().chat_template(tokenizer)
    }

    fn tensors(&self) -> Vec<SourceTensor> {
        let is_copy = |role| role == Some(Role::Output) && self.head_is_embedding().unwrap_or(false);
        let tensors = self.weights.tensors().filter(|(_, info)| !names::is_computed(&info.name));
        let tensors = tensors.filter(|(_, info)| !names::is_of_other_part(&info.name, &self.graph));
        let tensors = tensors.map(|(file, info)| self.tensor(file, info));
        let is_restated = self.graph.gains_around_one;
        let tensors = tensors.map(|tensor| if is_restated { restated::tensor(tensor) } else { tensor });
        let factors = self.rope_factors();
        let tensors = together::with_groups(tensors.chain(factors).collect());
        let tensors = together::with_experts(tensors, |name| self.expert(name));
        tensors.into_iter().filter(|tensor| !is_copy(tensor.role)).collect()
    }

    fn tensor_name(&self, role: Role) -> String {
        names::name(role, &self.graph)
    }

    fn activations(&self) -> Option<ActivationMode> {
        // A plain model computes with floats, also where its weights are ternary (TriLM).
        let is_plain = matches!(self.quantization, Quantization::None)
            && self.config().is_ok_and(|config| !config.graph().ternary);
        is_plain.then_some(ActivationMode::F32)
    }
}
