//! The arguments of the commands that make and compare files.

use super::bench::{CODES, likes, table_types, ternary_types};
use super::values::{i2s_packings, named, whole};
use super::{CpuArguments, FileArguments, QuantizeArguments, VocabularyArguments};
use clap::Args;
use clap::builder::TypedValueParser;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use trine::kernels::packing::I2sPacking;
use trine::loader::TensorType;
use trine::model::{Architecture, Synthetic};

#[derive(Debug, Args)]
pub struct ConvertArguments {
    /// GGUF file or directory of HF transformers or MLX with ternary or binary matrices.
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// The file to write, which appears when it is complete.
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Type of the matrices; codes and scales stay what they are. An embedding and a head of codes get it too.
    #[arg(long, value_name = "TYPE", value_parser = matrix_types())]
    pub to: TensorType,
    /// Round the head to this type; where the embedding is the head, it changes [default: what it is].
    #[arg(long, value_name = "TYPE", value_parser = table_types())]
    pub head: Option<TensorType>,
    #[command(flatten)]
    pub quantize: QuantizeArguments,
    /// How I2_S tensors of IN are packed; those of OUT are x86.
    #[arg(long, value_name = "PACKING", default_value = "x86", value_parser = i2s_packings())]
    pub i2s_packing: I2sPacking,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub access: FileArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[derive(Debug, Args)]
pub struct SynthArguments {
    /// The file to write, which appears when it is complete.
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// The model whose dimensions and types it has; options below change some of them.
    #[arg(long, value_name = "MODEL", value_parser = likes(), default_value = "tiny")]
    pub like: Synthetic,
    /// Type of the matrices, where that is to differ.
    #[arg(long, value_name = "TYPE", value_parser = ternary_types())]
    pub matrices: Option<TensorType>,
    /// Type of the embedding and the head, where that is to differ.
    #[arg(long, value_name = "TYPE", value_parser = table_types())]
    pub table: Option<TensorType>,
    /// Where the random numbers start: the same arguments give the same file.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = whole::<u64>)]
    pub seed: u64,
    /// Architecture, where that is to differ.
    #[arg(long, value_name = "NAME", value_parser = architectures(), help_heading = "Dimensions")]
    pub architecture: Option<Architecture>,
    /// Blocks.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub blocks: Option<NonZeroUsize>,
    /// Positions.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub context: Option<NonZeroUsize>,
    /// Tokens of the vocabulary.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub vocab: Option<NonZeroUsize>,
    /// Width of the residual stream.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub hidden: Option<NonZeroUsize>,
    /// Width of the feed-forward network.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub ffn: Option<NonZeroUsize>,
    /// Query heads.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub heads: Option<NonZeroUsize>,
    /// Key and value heads.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub kv_heads: Option<NonZeroUsize>,
    /// Width of a head.
    #[arg(long, value_name = "COUNT", help_heading = "Dimensions", value_parser = whole::<NonZeroUsize>)]
    pub head_dim: Option<NonZeroUsize>,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[derive(Debug, Args)]
pub struct DiffArguments {
    /// A GGUF file or a directory of HF transformers.
    #[arg(value_name = "FIRST")]
    pub first: PathBuf,
    /// Another one.
    #[arg(value_name = "SECOND")]
    pub second: PathBuf,
    /// Print one JSON document; docs/cli.md describes it.
    #[arg(long)]
    pub json: bool,
    /// How I2_S tensors of FIRST are packed.
    #[arg(long, value_name = "PACKING", default_value = "x86", value_parser = i2s_packings())]
    pub i2s_packing: I2sPacking,
    /// How I2_S tensors of SECOND are packed.
    #[arg(long, value_name = "PACKING", default_value = "x86", value_parser = i2s_packings())]
    pub second_i2s_packing: I2sPacking,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub access: FileArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

fn matrix_types() -> impl TypedValueParser<Value = TensorType> {
    named(CODES.into_iter().chain([("f16", TensorType::F16)]))
}

fn architectures() -> impl TypedValueParser<Value = Architecture> {
    named(Architecture::ALL.map(|architecture| (architecture.name(), architecture)))
}
