//! The arguments of `trine bench`.

use super::{CpuArguments, LoadArguments, cache_types, named, whole};
use clap::Args;
use clap::builder::TypedValueParser;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use trine::kernels::CacheType;
use trine::loader::TensorType;

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// GGUF file; without one a model of random weights is made in memory.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Dimensions of the model of random weights.
    #[arg(long, value_name = "MODEL", default_value = "2b4t", value_parser = likes(), conflicts_with = "file")]
    pub like: Like,
    /// Type of its matrices.
    #[arg(long, value_name = "TYPE", default_value = "i2_s", value_parser = ternary_types(), conflicts_with = "file")]
    pub weights: TensorType,
    /// Type of its embedding, which is also the head.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = table_types(), conflicts_with = "file")]
    pub table: TensorType,
    /// Its number of blocks, where that is to differ.
    #[arg(long, value_name = "COUNT", conflicts_with = "file", value_parser = whole::<NonZeroUsize>)]
    pub blocks: Option<NonZeroUsize>,
    /// Tokens of a prompt; several numbers are several tests, 0 is none.
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_value = "128,512", value_parser = whole::<usize>)]
    pub prompt: Vec<usize>,
    /// Tokens to decode one by one; 0 is no such test.
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = whole::<usize>)]
    pub decode: usize,
    /// Positions in the cache before the first token is decoded.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = whole::<usize>)]
    pub depth: usize,
    /// Runs of each test, of which the median is shown.
    #[arg(short, long, value_name = "COUNT", default_value = "3", value_parser = whole::<NonZeroUsize>)]
    pub repetitions: NonZeroUsize,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = cache_types())]
    pub kv: CacheType,
    /// Print one JSON document; docs/cli.md describes it.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

/// A model whose dimensions a model of random weights has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    /// A few million weights.
    Tiny,
    /// BitNet b1.58 2B4T.
    Bitnet2B4T,
}

pub(super) fn likes() -> impl TypedValueParser<Value = Like> {
    named([("2b4t", Like::Bitnet2B4T), ("tiny", Like::Tiny)])
}

pub(super) fn ternary_types() -> impl TypedValueParser<Value = TensorType> {
    named([("i2_s", TensorType::I2S), ("tq1_0", TensorType::TQ1_0), ("tq2_0", TensorType::TQ2_0)])
}

pub(super) fn table_types() -> impl TypedValueParser<Value = TensorType> {
    named([
        ("f16", TensorType::F16),
        ("q8_0", TensorType::Q8_0),
        ("q6_k", TensorType::Q6_K),
        ("q4_0", TensorType::Q4_0),
    ])
}
