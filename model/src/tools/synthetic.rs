//! Models of random weights with the dimensions of real ones: for measuring speed and for tests, without a download.
//!
//! What belongs here: descriptions of such models, and random contents that every check of [`load`](crate::load)
//! accepts. What does not: what the files look like ([`trine_loader`]) and measuring.

#[cfg(test)]
mod tests;

use crate::description::{
    Architecture, BlockNumbers, Config, Layers, MixerOrder, Presence, Role, RopeConfig, RopeScaling, Scales, Yarn,
};
use crate::parallel::{self, Threads};
use crate::weights;
use bytes::Bytes;
use half::f16;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trine_kernels::packing::{I2S, MAX_COLS, PackScales, Packed, Packing, Pq2_0};
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_loader::{Gguf, GgufError, GgufWriter, Ne, ShapeError, TensorType, WriteError};
use trine_ops::{Cpu, Pooling};
use trine_shapes::{Bitnet2B4T, Dims, MAX_ELEMENTS, Model, Recurrent, Sizes, product_of, product_within};
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
        self
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

/// Numbers that are at most 0.5 from the middle.
fn random_numbers(len: usize, middle: f32, random: &mut ChaCha8Rng) -> Bytes {
    let number = |_| middle - 0.5 + random.next_u32() as f32 / u32::MAX as f32;
    (0..len).map(number).flat_map(f32::to_le_bytes).collect()
}

/// Decays are negative, taps and time steps of either sign.
fn random_block_numbers(numbers: BlockNumbers, dims: &[usize], random: &mut ChaCha8Rng) -> Bytes {
    let middle = match numbers {
        BlockNumbers::Decay => -0.6,
        BlockNumbers::Convolution | BlockNumbers::TimeStep => 0.0,
    };
    random_numbers(product_of(dims), middle, random)
}

/// The packing of a type of ternary or binary matrices.
fn codes(kind: TensorType) -> Option<PackingKind> {
    weights::packing(kind).filter(|packing| PackingKind::CODED.contains(packing))
}

/// A ternary or binary matrix whose scale keeps the variance of what it multiplies.
fn random_matrix(
    kind: TensorType,
    tensor: String,
    (rows, cols): (usize, usize),
    random: &mut ChaCha8Rng,
) -> Result<Bytes, SyntheticError> {
    let Some(packing) = codes(kind) else {
        let expected = "I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, Q1_0";
        return Err(SyntheticError::Type { what: "matrices", found: kind, expected });
    };
    let refused = |source| SyntheticError::Matrix { tensor: tensor.clone(), source: Box::new(source) };
    let too_large = || PackingError::Dimensions { packing: kind.name(), rows, cols, max_cols: MAX_COLS };
    let elements = product_within(&[rows, cols], MAX_ELEMENTS).ok_or_else(|| refused(too_large()))?;
    let mut bits = vec![0; elements.div_ceil(4)];
    random.fill_bytes(&mut bits);
    // The sum of two random bits is a code.
    let mut codes = vec![0; 4 * bits.len()];
    for (codes, bits) in codes.as_chunks_mut::<4>().0.iter_mut().zip(&bits) {
        let sums = (bits & 0x55) + (bits >> 1 & 0x55);
        *codes = [sums & 3, sums >> 2 & 3, sums >> 4 & 3, sums >> 6];
    }
    let is_binary = packing == PackingKind::Q1_0;
    if is_binary {
        codes.iter_mut().enumerate().for_each(|(i, code)| *code = bits[i / 8] >> (i % 8) << 1 & 2);
    }
    let codes = &codes[..elements];
    let scale = (if is_binary { 1.0 } else { 2.0 } / cols as f32).sqrt();
    let matrix = if [PackingKind::I2S, PackingKind::Tq1_0, PackingKind::Tq2_0].contains(&packing) {
        let scale = f16::from_f32(scale).to_f32();
        Packed::<I2S>::pack(rows, cols, codes, PackScales::One(scale)).map(Matrix::from)
    } else {
        if !cols.is_multiple_of(Pq2_0::BLOCK) {
            let multiple = Pq2_0::BLOCK;
            return Err(refused(PackingError::Columns { packing: packing.name(), cols, multiple }));
        }
        // Of groups of 128 columns, as published files are, whose scales differ by up to two fifths.
        let group = |_| f16::from_f32(scale * (0.8 + 0.4 * (random.next_u32() as f32 / u32::MAX as f32))).to_f32();
        let scales: Vec<f32> = (0..elements / Pq2_0::BLOCK).map(group).collect();
        Packed::<Pq2_0>::pack(rows, cols, codes, PackScales::Blocks(&scales)).map(Matrix::from)
    };
    let matrix = matrix.and_then(|matrix| matrix.convert(packing)).map_err(refused)?;
    Ok(matrix.bytes().clone())
}

/// An embedding whose elements are below 0.1, or a ternary or binary one.
fn random_table(
    kind: TensorType,
    role: Role,
    (rows, cols): (usize, usize),
    random: &mut ChaCha8Rng,
) -> Result<Bytes, SyntheticError> {
    if codes(kind).is_some() {
        return random_matrix(kind, role.to_string(), (rows, cols), random);
    }
    let shape_error = |error| WriteError::Shape { tensor: role.to_string(), error };
    let len = Ne::from_row_major(&[rows, cols]).and_then(|ne| kind.byte_len(&ne)).map_err(shape_error)?;
    let too_large = || shape_error(ShapeError::TooLarge { ne: vec![cols as u64, rows as u64] });
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_large())?];
    random.fill_bytes(&mut bytes);
    match kind {
        TensorType::F32 => bytes.as_chunks_mut().0.iter_mut().for_each(with_exponent_f32),
        TensorType::F16 => bytes.as_chunks_mut().0.iter_mut().for_each(with_exponent_f16),
        TensorType::Q8_0 => bytes.as_chunks_mut::<34>().0.iter_mut().for_each(|block| set_scale(&mut block[..2], 5e-4)),
        TensorType::Q4_0 => bytes.as_chunks_mut::<18>().0.iter_mut().for_each(|block| set_scale(&mut block[..2], 1e-2)),
        TensorType::Q6_K => bytes.as_chunks_mut::<210>().0.iter_mut().for_each(|block| {
            set_scale(&mut block[208..], 2e-5);
        }),
        found => {
            let expected = "F32, F16, Q8_0, Q6_K, Q4_0, or one for matrices";
            return Err(SyntheticError::Type { what: "the embedding", found, expected });
        }
    }
    Ok(bytes.into())
}

/// Keeps sign and fraction; the magnitude is from 2^-5 to 2^-4.
fn with_exponent_f32(bytes: &mut [u8; 4]) {
    *bytes = (u32::from_le_bytes(*bytes) & 0x807f_ffff | (127 - 5) << 23).to_le_bytes();
}

/// Keeps sign and fraction; the magnitude is from 2^-5 to 2^-4.
fn with_exponent_f16(bytes: &mut [u8; 2]) {
    *bytes = (u16::from_le_bytes(*bytes) & 0x83ff | (15 - 5) << 10).to_le_bytes();
}

fn set_scale(to: &mut [u8], scale: f32) {
    to.copy_from_slice(&f16::from_f32(scale).to_le_bytes());
}
