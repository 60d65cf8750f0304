//! The arguments of `trine bench`.

use super::values::{cache_types, named, whole};
use super::{CpuArguments, LoadArguments};
use clap::Args;
use clap::builder::TypedValueParser;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use trine::kernels::CacheType;
use trine::loader::TensorType;
use trine::model::Synthetic;

#[derive(Debug, Args)]
pub struct BenchArguments {
    /// GGUF file; without one a model of random weights is made in memory.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The model whose dimensions and types the model of random weights has.
    #[arg(long, value_name = "MODEL", default_value = "2b4t", value_parser = likes(), conflicts_with = "file")]
    pub like: Synthetic,
    /// Type of its matrices, where that is to differ.
    #[arg(long, value_name = "TYPE", value_parser = ternary_types(), conflicts_with = "file")]
    pub weights: Option<TensorType>,
    /// Type of its embedding and head, where that is to differ.
    #[arg(long, value_name = "TYPE", value_parser = table_types(), conflicts_with = "file")]
    pub table: Option<TensorType>,
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
    /// Sequences of which each step takes one token; several numbers are several tests.
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', value_parser = whole::<NonZeroUsize>)]
    pub batch: Vec<NonZeroUsize>,
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

/// The models whose dimensions a model of random weights has.
pub(super) fn likes() -> impl TypedValueParser<Value = Synthetic> {
    named([
        ("2b4t", Synthetic::bitnet_2b4t()),
        ("bonsai-1.7b", Synthetic::bonsai_1_7b()),
        ("bonsai-4b", Synthetic::bonsai_4b()),
        ("bonsai-8b", Synthetic::bonsai_8b()),
        ("bonsai-27b", Synthetic::bonsai_27b()),
        ("maple", Synthetic::maple()),
        ("bitnet-embedding-0.6b", Synthetic::bitnet_embedding_0_6b()),
        ("bitnet-embedding-270m", Synthetic::bitnet_embedding_270m()),
        ("tiny", Synthetic::tiny()),
    ])
}

/// The types of ternary and binary matrices.
pub(super) const CODES: [(&str, TensorType); 7] = [
    ("i2_s", TensorType::I2S),
    ("tq1_0", TensorType::TQ1_0),
    ("tq2_0", TensorType::TQ2_0),
    ("q2_0", TensorType::Q2_0),
    ("pq2_0", TensorType::PQ2_0),
    ("ptq1_0", TensorType::PTQ1_0),
    ("q1_0", TensorType::Q1_0),
];

pub(super) fn ternary_types() -> impl TypedValueParser<Value = TensorType> {
    named(CODES)
}

pub(super) fn table_types() -> impl TypedValueParser<Value = TensorType> {
    let dense =
        [("f16", TensorType::F16), ("q8_0", TensorType::Q8_0), ("q6_k", TensorType::Q6_K), ("q4_0", TensorType::Q4_0)];
    named(dense.into_iter().chain(CODES))
}
