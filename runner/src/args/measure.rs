//! The arguments of the commands that show what a model and its vocabulary make of text: `trine logits`, `trine embed`,
//! `trine tokenize` and `trine perplexity`.

use super::values::{cache_types, named, whole};
use super::{CpuArguments, FileArguments, LoadArguments, VocabularyArguments};
use clap::Args;
use clap::builder::TypedValueParser;
use std::path::PathBuf;
use trine::kernels::CacheType;
use trine::ops::Pooling;

#[derive(Debug, Args)]
pub struct LogitsArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model runs.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Token ids, separated by commas.
    #[arg(long, value_name = "IDS", required_unless_present = "prompt", conflicts_with = "prompt",
          value_delimiter = ',', value_parser = whole::<u32>)]
    pub ids: Vec<u32>,
    /// A text instead of ids, which gets the BOS token that the vocabulary asks for.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// Print one JSON document with the likeliest next tokens of each position and their log-probabilities instead;
    /// docs/cli.md describes it.
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
    /// How many tokens the document has for each position.
    #[arg(long, value_name = "COUNT", default_value_t = 10, requires = "json", value_parser = whole::<usize>)]
    pub top_k: usize,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = cache_types())]
    pub kv: CacheType,
    /// Write to this file, which appears when it is complete, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[derive(Debug, Args)]
pub struct EmbedArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model runs.
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// File with the texts, one in each line; `-` is standard input.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// The whole file is one text.
    #[arg(long)]
    pub whole: bool,
    /// Which row stands for a text: that of its last token, or the mean of all [default: what the model's file says].
    #[arg(long, value_name = "ROW", value_parser = poolings())]
    pub pooling: Option<Pooling>,
    /// What is put before each text, such as the sentence of instruction that queries begin with.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prefix: Option<String>,
    /// Write the numbers alone, as little-endian f32, row after row, in place of a line of JSON for each text.
    #[arg(long)]
    pub raw: bool,
    #[command(flatten)]
    pub access: FileArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

fn poolings() -> impl TypedValueParser<Value = Pooling> {
    named([("last", Pooling::Last), ("mean", Pooling::Mean)])
}

#[derive(Debug, Args)]
pub struct TokenizeArguments {
    /// GGUF file, which may hold a vocabulary alone, or directory of HF transformers; without one the built-in
    /// model's vocabulary is used.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Add no BOS or EOS token, and take special tokens in the text as plain text.
    #[arg(long)]
    pub no_special: bool,
    /// The other direction: ids on standard input, separated by spaces or commas, become text.
    #[arg(long, conflicts_with = "no_special")]
    pub decode: bool,
    /// Show each token on a line of its own, its id and its text.
    #[arg(long, conflicts_with = "decode")]
    pub pieces: bool,
    /// Print one JSON document; docs/cli.md describes it.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub access: FileArguments,
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub struct PerplexityArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model is measured.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// File with the text; `-` is standard input.
    #[arg(value_name = "TEXT", required = true)]
    pub text: PathBuf,
    /// Tokens in a window [default: 512, or the model's context where that is shorter].
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub window: Option<usize>,
    /// Tokens between the starts of two windows [default: half a window].
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub stride: Option<usize>,
    /// Print one JSON document; docs/cli.md describes it.
    #[arg(long)]
    pub json: bool,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = cache_types())]
    pub kv: CacheType,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}
