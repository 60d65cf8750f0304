//! Models of random weights with the dimensions of real ones: for measuring speed and for tests, without a download.
//!
//! What belongs here: descriptions of such models, and random contents that every check of [`load`](crate::load)
//! accepts. What does not: what the files look like ([`trine_loader`]) and measuring.

mod contents;
#[cfg(test)]
mod tests;

use crate::description::{
    Architecture, Config, Layers, MixerKind, MixerOrder, Presence, Role, RopeConfig, RopeScaling, Scales, Sliding,
    SlidingOrder, Yarn,
};
use crate::parallel::{self, Threads};
use bytes::Bytes;
use contents::{random_block_numbers, random_matrix, random_numbers, random_table};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::num::NonZeroUsize;
use trine_kernels::PackingError;
use trine_loader::{Gguf, GgufError, GgufWriter, TensorType, WriteError};
use trine_ops::{Cpu, Pooling};
use trine_shapes::{Bitnet2B4T, Dims, ExpertCounts, Model, Recurrent, Sizes, product_of};
use trine_text::VocabularyData;

/// A model to make up: its description, the types of its tensors, and the seed of its weights.
///
/// The same fields give the same file. Matrices are ternary, a half of the weights 0 and a quarter each of both signs;
/// the embedding, the head and the norms' gains are random too. There is a vocabulary of made-up tokens
/// and no tokenizer.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// The description.
    pub config: Config,
    /// Type of the matrices: I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0 or Q1_0.
    pub matrices: TensorType,
    /// Type of the embedding and head: F32, F16, Q8_0, Q6_K, Q4_0, or one of those for matrices.
    pub table: TensorType,
    /// Whether the head is the embedding; else it is a matrix of its own, of the same type.
    pub tied: bool,
    /// Where the random numbers start.
    pub seed: u64,
}

/// What published models of one size have in common with those of others: the entries of Qwen3's vocabulary that are
/// used, and the heads that keys and values have.
const BONSAI: Sizes =
    Sizes { vocab: 151_669, hidden: 0, ffn: 0, heads: 0, kv_heads: 8, head_dim: 128, attention_layers: 0 };

/// A model that cannot be made up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// A type that tensors of this kind are not made of.
    #[error("{what} cannot be {found}; expected one of {expected}")]
    Type {
        /// Which tensors.
        what: &'static str,
        /// The type asked for.
        found: TensorType,
        /// The types there are.
        expected: &'static str,
    },
    /// Dimensions that the type of the matrices does not have.
    #[error("tensor `{tensor}`: {source}")]
    Matrix {
        /// Its name.
        tensor: String,
        /// What the packing says.
        source: Box<PackingError>,
    },
    /// Dimensions that the type of the embedding does not have.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file was refused.
    #[error(transparent)]
    Gguf(#[from] GgufError),
}

impl Synthetic {
    /// BitNet b1.58 2B4T: 30 blocks, 2.08 billion ternary weights in I2_S, and its embedding in F16.
    pub fn bitnet_2b4t() -> Synthetic {
        Synthetic::with_dims(Bitnet2B4T.dims(), 4096)
    }

    /// Ternary-Bonsai 1.7B: a Qwen3 of 28 blocks, 1.72 billion ternary weights, its embedding and head among them, in
    /// PQ2_0.
    pub fn bonsai_1_7b() -> Synthetic {
        Synthetic::bonsai(Sizes { hidden: 2048, ffn: 6144, heads: 16, attention_layers: 28, ..BONSAI }, 8192, true)
    }

    /// Ternary-Bonsai 4B: as [`bonsai_1_7b`](Synthetic::bonsai_1_7b) with 36 blocks and 4.02 billion weights.
    pub fn bonsai_4b() -> Synthetic {
        Synthetic::bonsai(Sizes { hidden: 2560, ffn: 9728, heads: 32, attention_layers: 36, ..BONSAI }, 16384, true)
    }

    /// Ternary-Bonsai 8B: as [`bonsai_1_7b`](Synthetic::bonsai_1_7b) with 36 blocks and 8.19 billion weights, its head
    /// apart from the embedding.
    pub fn bonsai_8b() -> Synthetic {
        Synthetic::bonsai(Sizes { hidden: 4096, ffn: 12288, heads: 32, attention_layers: 36, ..BONSAI }, 16384, false)
    }

    /// Ternary-Bonsai 27B: a Qwen3.5 of 64 blocks, of which every fourth has attention and the others the gated delta
    /// rule, with 26.9 billion ternary weights in PQ2_0.
    pub fn bonsai_27b() -> Synthetic {
        let sizes = Sizes {
            vocab: 248_320,
            hidden: 5120,
            ffn: 17408,
            heads: 24,
            kv_heads: 4,
            head_dim: 256,
            attention_layers: 16,
        };
        let of_rule = Recurrent { layers: 48, key_heads: 16, value_heads: 48, key_dim: 128, value_dim: 128, taps: 4 };
        Synthetic::hybrid(sizes, of_rule, 262_144)
    }

    /// BitNet embedding 0.6B: a Qwen3 of 28 blocks whose matrices have norms of their own, 440 million ternary weights
    /// in I2_S, and its embedding in F16.
    pub fn bitnet_embedding_0_6b() -> Synthetic {
        let sizes = Sizes {
            vocab: 151_936,
            hidden: 1024,
            ffn: 3072,
            heads: 16,
            kv_heads: 8,
            head_dim: 128,
            attention_layers: 28,
        };
        Synthetic::embedder(Architecture::Qwen3, sizes, 1e6)
    }

    /// BitNet embedding 270M: a Gemma 3 of 18 blocks, likewise, without windows.
    pub fn bitnet_embedding_270m() -> Synthetic {
        let sizes = Sizes {
            vocab: 262_144,
            hidden: 640,
            ffn: 2048,
            heads: 4,
            kv_heads: 1,
            head_dim: 256,
            attention_layers: 18,
        };
        Synthetic::embedder(Architecture::Gemma3, sizes, 1e4)
    }

    /// Maple preview: 24 blocks with 256 experts each, of which a token goes to 8, and a window of 512 positions in
    /// three of four, with 19.5 billion ternary weights in TQ2_0.
    pub fn maple() -> Synthetic {
        let sizes = Sizes {
            vocab: 151_936,
            hidden: 2048,
            ffn: 512,
            heads: 16,
            kv_heads: 4,
            head_dim: 128,
            attention_layers: 24,
        };
        Synthetic::mixture(sizes, ExpertCounts { count: 256, used: 8 }, (512, 128_000))
    }

    /// Four blocks with seven experts each, of which a token goes to three, and a window of 24 positions in three of
    /// them; dimensions all differ.
    pub fn tiny_mixture() -> Synthetic {
        let sizes =
            Sizes { vocab: 1000, hidden: 512, ffn: 256, heads: 12, kv_heads: 2, head_dim: 64, attention_layers: 4 };
        Synthetic::mixture(sizes, ExpertCounts { count: 7, used: 3 }, (24, 1024))
    }

    /// A Maple, every fourth of whose blocks sees all positions.
    fn mixture(sizes: Sizes, experts: ExpertCounts, (window, context): (usize, usize)) -> Synthetic {
        let dims = Dims::new(sizes).and_then(|dims| dims.with_experts(experts)).expect("heads that group");
        let mut synthetic = Synthetic::with_dims(dims, context).with_architecture(Architecture::Maple);
        let config = &mut synthetic.config;
        (config.rms_epsilon, config.rope.base, config.rope.rotated) = (1e-6, 1e4, dims.head_dim / 2);
        config.sliding = config
            .sliding
            .take()
            .map(|sliding| Sliding { window: NonZeroUsize::new(window).unwrap_or(sliding.window), ..sliding });
        Synthetic { matrices: TensorType::TQ2_0, tied: false, ..synthetic }
    }

    fn embedder(architecture: Architecture, sizes: Sizes, base: f32) -> Synthetic {
        let dims = Dims::new(sizes).expect("query heads are groups of key/value heads");
        let mut synthetic = Synthetic::with_dims(dims, 32_768).with_architecture(architecture);
        let config = &mut synthetic.config;
        (config.input_norms, config.pooling) = (true, Some(Pooling::Last));
        (config.rms_epsilon, config.rope.base) = (1e-6, base);
        synthetic
    }

    /// The same dimensions in another architecture, with what follows from it.
    #[must_use]
    pub fn with_architecture(mut self, architecture: Architecture) -> Synthetic {
        let (graph, config) = (architecture.graph(), &mut self.config);
        config.architecture = architecture;
        config.rope.pairing = graph.rope_pairing;
        config.scales = Scales::of_hidden(graph.scales, config.dims.hidden);
        config.sliding = config.sliding.take().filter(|_| graph.slides);
        if !graph.experts {
            (config.dims.experts, config.gate_limits) = (ExpertCounts::NONE, Vec::new());
            return self;
        }
        if config.dims.experts == ExpertCounts::NONE {
            config.dims.experts = ExpertCounts { count: 3, used: 2 };
        }
        let blocks = config.dims.blocks();
        config.gate_limits = vec![7.0; blocks];
        let window =
            config.sliding.as_ref().map_or(const { NonZeroUsize::new(512).expect("a window") }, |of| of.window);
        let order = SlidingOrder::Listed((0..blocks).map(|block| (block + 1) % 4 != 0).collect());
        config.sliding = Some(Sliding { window, order, base: 1e4 });
        self
    }

    /// The same with so many blocks, of each kind as many as their order gives; `None` where none of them has
    /// attention.
    #[must_use]
    pub fn with_blocks(mut self, blocks: usize) -> Option<Synthetic> {
        let config = &mut self.config;
        let of = |kind| config.layers.count(blocks, kind);
        let (attention, recurrent) = (of(MixerKind::Attention), of(MixerKind::Recurrent));
        config.dims.attention_layers = attention;
        config.dims.recurrent = match recurrent {
            0 => Recurrent::NONE,
            layers => Recurrent { layers, ..config.dims.recurrent },
        };
        if let Some(Sliding { order: SlidingOrder::Listed(listed), .. }) = &mut config.sliding {
            *listed = listed.iter().copied().cycle().take(blocks).collect();
        }
        config.gate_limits = config.gate_limits.iter().copied().cycle().take(blocks).collect();
        (attention > 0).then_some(self)
    }

    /// Eight blocks of a Qwen3.5 with 11 million weights, whose dimensions all differ.
    pub fn tiny_hybrid() -> Synthetic {
        let sizes =
            Sizes { vocab: 1000, hidden: 384, ffn: 640, heads: 6, kv_heads: 2, head_dim: 128, attention_layers: 2 };
        let of_rule = Recurrent { layers: 6, key_heads: 2, value_heads: 4, key_dim: 64, value_dim: 64, taps: 4 };
        Synthetic { tied: true, ..Synthetic::hybrid(sizes, of_rule, 1024) }
    }

    /// A Qwen3.5, every fourth of whose blocks has attention.
    fn hybrid(sizes: Sizes, of_rule: Recurrent, context: usize) -> Synthetic {
        let dims = Dims::new(sizes).and_then(|dims| dims.with_recurrent(of_rule)).expect("heads that group");
        let architecture = Architecture::Qwen35;
        let rope = RopeConfig {
            base: 1e7,
            rotated: dims.head_dim / 4,
            scaling: RopeScaling::None,
            pairing: architecture.graph().rope_pairing,
        };
        let layers = Layers { order: MixerOrder::AttentionEvery(4), ..Layers::ATTENTION };
        let name = Some("synthetic".to_owned());
        let plain = Synthetic::with_dims(dims, context).config;
        let config = Config { architecture, name, rms_epsilon: 1e-6, rope, layers, ..plain };
        Synthetic { config, matrices: TensorType::PQ2_0, table: TensorType::PQ2_0, tied: false, seed: 1 }
    }

    fn bonsai(sizes: Sizes, original_context: usize, tied: bool) -> Synthetic {
        let dims = Dims::new(sizes).expect("query heads are groups of key/value heads");
        let architecture = Architecture::Qwen3;
        let yarn = Yarn {
            factor: 4.0,
            original_context,
            attention_factor: 1.0,
            beta_fast: Yarn::BETA_FAST,
            beta_slow: Yarn::BETA_SLOW,
        };
        let rope = RopeConfig {
            base: 1e6,
            rotated: dims.head_dim,
            scaling: RopeScaling::Yarn(yarn),
            pairing: architecture.graph().rope_pairing,
        };
        let (name, context) = (Some("synthetic".to_owned()), 4 * original_context);
        let layers = Layers::ATTENTION;
        let plain = Synthetic::with_dims(dims, context).config;
        let config = Config { architecture, name, rms_epsilon: 1e-6, rope, layers, ..plain };
        Synthetic { config, matrices: TensorType::PQ2_0, table: TensorType::PQ2_0, tied, seed: 1 }
    }

    /// Two blocks with 4 million weights: dimensions all differ, and fit every type.
    pub fn tiny() -> Synthetic {
        let sizes =
            Sizes { vocab: 1000, hidden: 512, ffn: 768, heads: 6, kv_heads: 3, head_dim: 128, attention_layers: 2 };
        let dims = Dims::new(sizes).expect("query heads are groups of key/value heads");
        Synthetic::with_dims(dims, 1024)
    }

    /// A BitNet b1.58 with these axes and positions, I2_S matrices and an F16 embedding.
    pub fn with_dims(dims: Dims, context: usize) -> Synthetic {
        let config = Config {
            architecture: Architecture::BitnetB158,
            name: Some("synthetic".to_owned()),
            context,
            dims,
            rms_epsilon: 1e-5,
            rope: RopeConfig {
                base: 500_000.0,
                rotated: dims.head_dim,
                scaling: RopeScaling::None,
                pairing: Architecture::BitnetB158.graph().rope_pairing,
            },
            scales: Scales::NONE,
            layers: Layers::ATTENTION,
            sliding: None,
            gate_limits: Vec::new(),
            input_norms: false,
            pooling: None,
            folding: None,
        };
        Synthetic { config, matrices: TensorType::I2S, table: TensorType::F16, tied: true, seed: 1 }
    }

    /// The file in memory. While it is made, memory holds it twice.
    ///
    /// # Errors
    /// As [`Synthetic::writer`].
    pub fn gguf(&self) -> Result<Gguf, SyntheticError> {
        let mut file = Vec::new();
        self.writer()?.write_to(&mut file).expect("a vector takes all that is written to it");
        Ok(Gguf::from_bytes("synthetic model", file.into())?)
    }

    /// The file, to be written.
    ///
    /// # Errors
    /// [`SyntheticError`] where the tensors cannot have the types or the dimensions.
    pub fn writer(&self) -> Result<GgufWriter, SyntheticError> {
        let mut writer = GgufWriter::new();
        let vocabulary = VocabularyData::placeholders(self.config.dims.vocab).to_metadata();
        for (key, value) in self.config.to_metadata().into_iter().chain(vocabulary) {
            writer.set(key, value)?;
        }
        let graph = self.config.graph();
        let config = &self.config;
        let mut roles = Role::all(&self.config);
        let is_head = |role: &Role| *role == Role::Output && !self.tied;
        roles.retain(|role| role.presence_in(config) == Presence::Required || is_head(role));
        let contents = parallel::map(roles.len(), || (), |(), index| self.contents(roles[index], index as u64));
        for (role, contents) in roles.iter().zip(contents) {
            let (kind, bytes) = contents?;
            writer.tensor(role.gguf_name(&graph), &role.dims(config), kind, bytes)?;
        }
        Ok(writer)
    }

    /// As [`writer`](Synthetic::writer), made on the threads of `cpu`, and the same.
    ///
    /// # Errors
    /// As [`Synthetic::writer`].
    pub fn writer_on(&self, cpu: &Cpu) -> Result<GgufWriter, SyntheticError> {
        Threads::of(cpu).run(|| self.writer())
    }

    /// The type and the bytes of a tensor, from a stream of random numbers of its own.
    fn contents(&self, role: Role, stream: u64) -> Result<(TensorType, Bytes), SyntheticError> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        let dims = role.dims(&self.config);
        match role {
            Role::Numbers(_, numbers) => {
                return Ok((TensorType::F32, random_block_numbers(numbers, &dims, &mut random)));
            }
            Role::Matrix(_, matrix) if matrix.is_never_ternary() => {
                return Ok((TensorType::F32, random_numbers(product_of(&dims), 0.0, &mut random)));
            }
            _ => {}
        }
        match dims[..] {
            [rows, cols] if matches!(role, Role::TokenEmbedding | Role::Output) => {
                Ok((self.table, random_table(self.table, role, (rows, cols), &mut random)?))
            }
            [experts, rows, cols] => {
                let all = (product_of(&[experts, rows]), cols);
                Ok((self.matrices, random_matrix(self.matrices, role.to_string(), all, &mut random)?))
            }
            [rows, cols] => {
                let name = role.to_string();
                Ok((self.matrices, random_matrix(self.matrices, name, (rows, cols), &mut random)?))
            }
            [len, ..] if role.is_gains() => Ok((TensorType::F32, random_numbers(len, 1.0, &mut random))),
            [len, ..] => Ok((TensorType::F32, random_numbers(len, 0.0, &mut random))),
            [] => unreachable!("every tensor has dimensions"),
        }
    }
}
